//! From a plan's step to something that can be started: captures filled in, images opened, jobs named.

use super::activity::{self, Done};
use super::{DriveError, Driver};
use futures_util::future::{FutureExt, LocalBoxFuture};
use palinode_core::action::Action;
use palinode_core::decide::Next;
use palinode_core::event::{Event, Intent, PauseWhy};
use palinode_core::id::{EntryId, Label};
use palinode_core::plan::{Step, StepIx, Work};
use palinode_core::port::{Executor, Job, Journal, Stored};
use palinode_core::resource::{Fields, Footprint, Image, Kind, State};
use std::sync::Arc;

impl<'a, J: Journal, E: Executor> Driver<'a, J, E> {
    /// Starts what is ready. `None`: it cannot be started, and is blocked with the reason.
    pub(super) fn begin_next(&mut self, next: Next) -> Result<Option<LocalBoxFuture<'a, Done>>, DriveError> {
        let executor = self.executor;
        let shelf = self.shelf.clone();
        let state = self.state()?;
        let Some((step, known)) = state.step(next.step()) else { return Ok(None) };
        match next {
            Next::Skip(_) => Ok(None),
            Next::Probe(ix) => {
                let (Some(intent), Some((name, _))) = (&known.intent, known.job) else { return Ok(None) };
                let job = self.job(name, intent)?;
                let footprint = intent.footprint.clone();
                Ok(Some(async move { activity::reconcile(executor, &shelf, ix, job, footprint).await }.boxed_local()))
            }
            Next::Sample(ix) => {
                let Work::Gate { gate, .. } = &step.work else { return Ok(None) };
                let (target, gate) = (step.target.clone(), gate.clone());
                Ok(Some(async move { activity::sample(executor, &shelf, ix, target, gate).await }.boxed_local()))
            }
            Next::Act(ix) => {
                let Work::Act(action) = &step.work else { return Ok(None) };
                let action = match self.resolve(ix, step, action) {
                    Ok(action) => action,
                    Err(why) => {
                        let path = step.path.clone();
                        self.blocked.insert(ix, (PauseWhy::Blocked(path), Some(why)));
                        return Ok(None);
                    }
                };
                let mut touched = Vec::new();
                let mut footprint: Vec<Footprint> = Vec::new();
                for (step, known) in
                    step.touches.iter().filter_map(|path| state.find(path)).filter_map(|ix| state.step(ix))
                {
                    if let Work::Act(action) = &step.work {
                        touched
                            .push(known.intent.as_ref().map_or_else(|| action.clone(), |intent| intent.action.clone()));
                    }
                    footprint.extend(known.intent.iter().flat_map(|intent| intent.footprint.iter().cloned()));
                }
                footprint.retain(|footprint| footprint.fields != Fields::Evidence);
                if let Some(intent) = &known.intent {
                    footprint.extend(intent.footprint.iter().cloned());
                }
                let target = known.intent.as_ref().map_or_else(|| step.target.clone(), |intent| intent.target.clone());
                Ok(Some(
                    async move {
                        Done::Looked(ix, activity::look(executor, &shelf, target, action, touched, footprint).await)
                    }
                    .boxed_local(),
                ))
            }
        }
    }

    /// The job of a recorded intent.
    fn job(&self, name: EntryId, intent: &Intent) -> Result<Job, DriveError> {
        Ok(Job {
            name,
            run: self.run,
            step: intent.step.clone(),
            attempt: intent.attempt,
            action: intent.action.clone(),
            target: intent.target.clone(),
            boot: intent.boot.clone(),
            before: Arc::new(self.shelf.image(&intent.before)?),
        })
    }

    pub(super) fn execute(&self, ix: StepIx, stored: &Stored) -> Result<LocalBoxFuture<'a, Done>, DriveError> {
        let (executor, shelf) = (self.executor, self.shelf.clone());
        let Event::Intent(intent) = &stored.entry.event else {
            return Ok(async move { Done::Slept(ix) }.boxed_local());
        };
        let job = self.job(stored.id, intent)?;
        let keys = activity::keys(&intent.footprint);
        Ok(async move { activity::execute(executor, &shelf, ix, job, keys).await }.boxed_local())
    }

    pub(super) fn wait_for(&self, ix: StepIx) -> Result<LocalBoxFuture<'a, Done>, DriveError> {
        let (executor, shelf) = (self.executor, self.shelf.clone());
        let known = self.state()?.step(ix).map(|(_, known)| (known.intent.clone(), known.job));
        let Some((Some(intent), Some((name, _)))) = known else {
            return Ok(async move { Done::Slept(ix) }.boxed_local());
        };
        let job = self.job(name, &intent)?;
        let keys = activity::keys(&intent.footprint);
        Ok(async move { activity::attach(executor, &shelf, ix, job, keys).await }.boxed_local())
    }

    /// The concrete action of a step, or why there is none.
    fn resolve(&self, ix: StepIx, step: &Step, action: &Action) -> Result<Action, String> {
        // What a rollback puts back is what was recorded: two braces in an annotation are no template.
        let action = if step.undoes.is_some() { action.clone() } else { self.filled(ix, action)? };
        let action = match &action {
            Action::Restore(restore) => {
                let image = self.before_of(step, &restore.step)?;
                restore.resolve(&image).ok_or_else(|| {
                    format!("the before-image of `{}` has no node, so there is nothing to put back", restore.step)
                })?
            }
            Action::InventoryEdit(edit) => match &edit.home_of {
                None => action.clone(),
                Some(label) => {
                    let image = self.before_of(step, label)?;
                    let file = image.iter().find_map(|(key, state)| match (key.kind(), state) {
                        (Some(Kind::File("control", _)), State::File { body, .. }) => Some(*body),
                        _ => None,
                    });
                    let body = file.ok_or_else(|| format!("the before-image of `{label}` has no inventory"))?;
                    let bytes = self.shelf.open(body).map_err(|error| error.to_string())?;
                    let text =
                        String::from_utf8(bytes).map_err(|_| "the recorded inventory is not UTF-8".to_owned())?;
                    Action::InventoryEdit(edit.resolve(&text))
                }
            },
            other => other.clone(),
        };
        Ok(action)
    }

    /// The action with captured values in it. Captures are public texts; an action with a template goes through its
    /// generic form once.
    fn filled(&self, ix: StepIx, action: &Action) -> Result<Action, String> {
        let state = self.state().map_err(|error| error.to_string())?;
        let text = serde_json::to_string(action).map_err(|error| error.to_string())?;
        if !text.contains("{{") {
            return Ok(action.clone());
        }
        let mut value: serde_json::Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        fill(&mut value, &|text| state.filled(ix, text));
        let action: Action =
            serde_json::from_value(value).map_err(|error| format!("a captured value does not fit: {error}"))?;
        action.check()?;
        if serde_json::to_string(&action).is_ok_and(|text| text.contains("{{")) {
            return Err("a captured value is missing: the step that brings it was passed over".to_owned());
        }
        Ok(action)
    }

    /// The before-image of an earlier step of the same target.
    fn before_of(&self, step: &Step, label: &Label) -> Result<Image, String> {
        let state = self.state().map_err(|error| error.to_string())?;
        let earlier = state.steps().find(|(_, other, known)| {
            other.label == *label && other.target.host == step.target.host && known.intent.is_some()
        });
        let intent = earlier.and_then(|(_, _, known)| known.intent.clone());
        let intent =
            intent.ok_or_else(|| format!("the step `{label}` was passed over, so there is no before-image"))?;
        self.shelf.image(&intent.before).map_err(|error| error.to_string())
    }
}

fn fill(value: &mut serde_json::Value, change: &dyn Fn(&str) -> String) {
    match value {
        serde_json::Value::String(text) => *text = change(text),
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| fill(item, change)),
        serde_json::Value::Object(map) => map.values_mut().for_each(|value| fill(value, change)),
        _ => {}
    }
}
