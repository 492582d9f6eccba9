//! The lab as an executor: jobs, looks and waits in virtual time, in one task.

use super::actions::Outside;
use super::faults::{Fault, Phase};
use super::simulation::{Lab, On, State, Wait};
use super::world::job::{End, Finish};
use super::world::ledger::{Line, What};
use palinode_core::action::{Action, Place, Target};
use palinode_core::gate::Gate;
use palinode_core::id::{Micros, ResourceKey};
use palinode_core::port::Sample;
use palinode_core::port::{
    Bodies, BodyError, Ended, Executor, Finished, Halted, Job, JobStatus, LookError, Remains, Survey,
};
use palinode_core::record::{Class, Why};
use palinode_core::resource::{CONTROL, Image, Kind};
use std::future::pending;
use std::task::Waker;

/// How long a cut link stays cut.
const CUT: Micros = Micros::seconds(30);

/// How long after the start it is cut.
const HEARD: Micros = Micros::seconds(2);

fn unreachable(target: &str) -> LookError {
    LookError::Unreachable { target: target.to_owned(), cause: None }
}

/// What the start of a job came to.
enum Begun {
    Ended(End),
    Runs,
    Cut,
    NotStarted(String),
    Moved(String),
    Halted,
}

/// The link that a job is watched over.
fn link(job: &Job) -> &str {
    match (job.action.place(), &job.target.host) {
        (Place::Host, Some(host)) => host.as_str(),
        (Place::Cluster, _) => "cluster",
        _ => CONTROL,
    }
}

fn finished(finish: &Finish, bodies: &dyn Bodies) -> Result<Finished, BodyError> {
    let output = finish.output.as_ref().map(|text| bodies.put(Class::Output, text.as_bytes())).transpose()?;
    Ok(Finished {
        why: finish.why,
        code: finish.code,
        message: finish.message.clone(),
        output,
        value: finish.value.clone().map(String::into_boxed_str),
        ..Finished::default()
    })
}

fn ended(end: End, bodies: &dyn Bodies) -> Ended {
    match end {
        End::Finished(finish) => match finished(&finish, bodies) {
            Ok(finished) => Ended::Finished(finished),
            Err(error) => Ended::Unknown(format!("its output cannot be kept: {error}")),
        },
        End::Died => Ended::Unknown("the job died without a status".to_owned()),
        End::Revoked => Ended::NotStarted("the job was revoked".to_owned()),
    }
}

impl State {
    fn is_cut(&self, target: &str) -> bool {
        self.cuts.get(target).is_some_and(|until| *until > self.world.clock())
    }

    fn cut_of(&self, key: &ResourceKey) -> Option<String> {
        let target = match key.kind()? {
            Kind::Unit(host, _) | Kind::Package(host, _) | Kind::File(host, _) | Kind::Boot(host) => host,
            Kind::Repository(host, _) | Kind::Release(host) => host,
            _ => "cluster",
        };
        self.is_cut(target).then(|| target.to_owned())
    }

    fn satisfied(&self, on: On) -> bool {
        match on {
            On::Until(time) => self.world.clock() >= time,
            On::Job(name) => self.world.job(name).is_none_or(|job| job.end.is_some()),
        }
    }
}

impl Lab {
    /// A dead process answers nobody.
    async fn alive(&self) {
        if self.state.borrow().halted {
            pending::<()>().await;
        }
    }

    fn begin(&self, job: &Job, bodies: &dyn Bodies) -> Begun {
        let mut state = self.state.borrow_mut();
        if state.halted {
            return Begun::Halted;
        }
        let target = link(job).to_owned();
        let down = |state: &State| state.world.host(&target).is_some_and(|host| !host.is_up());
        if state.is_cut(&target) || down(&state) {
            return Begun::NotStarted(format!("cannot reach {target}"));
        }
        if let Some(record) = state.world.job(job.name) {
            return match &record.end {
                Some(end) => Begun::Ended(end.clone()),
                None => Begun::Runs,
            };
        }
        if is_control(job)
            && let Some(why) = self.around.control.moved(job, bodies)
        {
            return Begun::Moved(why);
        }
        if let Some(why) = state.world.moved(job, bodies) {
            return Begun::Moved(why);
        }
        let strikes = |fault: &Fault| fault.step == job.step && fault.attempt == job.attempt;
        let phase = match state.faults.iter().position(strikes) {
            Some(at) => Some(state.faults.remove(at).phase),
            None => None,
        };
        if phase == Some(Phase::NotBegun) {
            state.halted = true;
            drop(state);
            self.halt();
            return Begun::Halted;
        }
        let outside = Outside { inventory: &*self.around.read_inventory, bodies };
        let mut record = state.world.record(job, &outside);
        if let Some(failure) = state.failures.iter_mut().find(|failure| failure.step == job.step && failure.times > 0) {
            failure.times -= 1;
            failure.spoil(&mut record);
        }
        match phase {
            Some(Phase::Half) => {
                record.dies_after = Some(record.parts.len() / 2);
                record.end = None;
                state.fatal.insert(job.name);
            }
            Some(Phase::Silent) => {
                record.dies_after = Some(record.parts.len());
                record.end = None;
                state.fatal.insert(job.name);
            }
            Some(Phase::Done) => {
                state.fatal.insert(job.name);
            }
            Some(Phase::LinkCut) => {
                let until = state.world.clock().plus(HEARD).plus(CUT);
                state.cut_jobs.insert(job.name, until);
            }
            Some(Phase::NotBegun) | None => {}
        }
        let at = state.world.clock();
        let end = record.end.clone();
        let whole = record.dies_after.is_none_or(|parts| parts == record.parts.len());
        let control = record.end.is_none() && whole && !record.parts.is_empty() && is_control(job);
        state.world.claim(job.name, record.clone());
        state.write(vec![Line { at, what: What::Claimed { job: job.name, record: Box::new(record) } }]);
        if control {
            drop(state);
            return self.control(job, bodies);
        }
        match (phase, end) {
            (Some(Phase::LinkCut), _) => Begun::Cut,
            (Some(Phase::Done), Some(_)) => {
                state.halted = true;
                drop(state);
                self.halt();
                Begun::Halted
            }
            (_, Some(end)) => Begun::Ended(end),
            (_, None) if state.halted => Begun::Halted,
            (_, None) => Begun::Runs,
        }
    }

    /// Inventory actions happen at once, through the same code as in real runs.
    fn control(&self, job: &Job, bodies: &dyn Bodies) -> Begun {
        let text = || (self.around.read_inventory)().ok();
        let before = text();
        let finish = match self.around.control.run(&job.action, bodies) {
            Ok(done) => {
                let output = done.output.and_then(|id| bodies.get(id).ok());
                Finish {
                    why: done.why,
                    code: done.code,
                    message: done.message,
                    output: output.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
                    value: done.value.map(String::from),
                }
            }
            Err(error) => Finish { why: Some(Why::ExitCode), message: Some(error.to_string()), ..Finish::default() },
        };
        let mut state = self.state.borrow_mut();
        let at = state.world.clock();
        let mut lines = Vec::new();
        // An edit that was there already is not written, and no effect.
        if finish.why.is_none()
            && text() != before
            && let Some(part) = state.world.job(job.name).and_then(|record| record.parts.first().cloned())
        {
            state.world.apply(&part.effect, Some(job.name));
            state.world.applied(job.name);
            lines.push(Line { at, what: What::Applied { job: job.name, effect: part.effect } });
        }
        let silent = state.world.job(job.name).is_some_and(|record| record.dies_after.is_some());
        let end = if silent { End::Died } else { End::Finished(finish.clone()) };
        state.world.end(job.name, end, &mut lines);
        state.write(lines);
        let fatal = state.fatal.contains(&job.name);
        let cut = state.cut_jobs.contains_key(&job.name);
        state.halted |= fatal;
        let halted = state.halted;
        drop(state);
        if fatal {
            self.halt();
        }
        match (halted, cut) {
            (true, _) => Begun::Halted,
            (_, true) => Begun::Cut,
            _ => Begun::Ended(End::Finished(finish)),
        }
    }

    fn wait(&self, on: On) -> Wait<'_> {
        Wait { lab: self, on, id: None }
    }

    async fn watch(&self, job: &Job, bodies: &dyn Bodies) -> Ended {
        self.wait(On::Job(job.name)).await;
        let end = self.state.borrow().world.job(job.name).and_then(|record| record.end.clone());
        end.map_or(Ended::NotStarted("the target does not know the job".to_owned()), |end| ended(end, bodies))
    }

    /// Lets one thing happen, at most until `limit`, and records it.
    fn step(&self, limit: Micros) {
        let mut state = self.state.borrow_mut();
        let mut lines = Vec::new();
        state.world.step(limit, &mut lines);
        let fatal = lines.iter().any(|line| match &line.what {
            What::Ended { job, .. } => state.fatal.contains(job),
            _ => false,
        });
        state.write(lines);
        if fatal {
            state.halted = true;
            drop(state);
            self.halt();
        }
    }

    /// Wakes whoever waited for what is now; tells whether anyone was.
    fn wake(&self) -> bool {
        let mut state = self.state.borrow_mut();
        let wakers: Vec<Waker> =
            state.waiters.values().filter(|(on, _)| state.satisfied(*on)).map(|(_, waker)| waker.clone()).collect();
        if wakers.is_empty() {
            return false;
        }
        state.mark();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
        true
    }
}

/// Whether it happens on the control side at once, with no job that goes on.
fn is_control(job: &Job) -> bool {
    job.action.place() == Place::Control && !job.action.is_job()
}

impl Executor for Lab {
    async fn survey(&self, target: &Target, action: &Action, _: &dyn Bodies) -> Result<Survey, LookError> {
        self.alive().await;
        let state = self.state.borrow();
        let Some(host) = &target.host else {
            return Ok(Survey { node: target.node.clone(), ..Survey::default() });
        };
        if state.is_cut(host.as_str()) {
            return Err(unreachable(host.as_str()));
        }
        let boot = match state.world.boot_of(host) {
            Ok(boot) => Some(boot),
            // The API answers for a host that is down; the host itself does not.
            Err(LookError::Unreachable { .. }) if action.place() != Place::Host => None,
            Err(error) => return Err(error),
        };
        // Its playbooks run on no machine that could boot.
        let boot = boot.filter(|_| action.place() == Place::Host);
        let filled = state.world.filled(target, action);
        let more = state.world.more(target, filled.as_ref().unwrap_or(action))?;
        Ok(Survey { node: Some(state.world.node_of(host)?), boot, action: filled, more, ..Survey::default() })
    }

    async fn node_of(&self, target: &Target) -> Result<Option<String>, LookError> {
        self.alive().await;
        let state = self.state.borrow();
        let Some(host) = &target.host else { return Ok(None) };
        if state.is_cut(host.as_str()) {
            return Err(unreachable(host.as_str()));
        }
        state.world.node_of(host).map(Some)
    }

    async fn observe(&self, keys: &[ResourceKey], bodies: &dyn Bodies) -> Result<Image, LookError> {
        self.alive().await;
        let mut image = Image::new();
        for key in keys {
            let state = match key.kind() {
                Some(Kind::File(CONTROL, path)) => self.around.control.observe(path, bodies)?,
                _ => {
                    let state = self.state.borrow();
                    if let Some(target) = state.cut_of(key) {
                        return Err(unreachable(&target));
                    }
                    state.world.observe(key, bodies)?
                }
            };
            image.insert(key.clone(), state);
        }
        Ok(image)
    }

    async fn execute(&self, job: &Job, bodies: &dyn Bodies) -> Ended {
        match self.begin(job, bodies) {
            Begun::Halted => pending().await,
            Begun::NotStarted(why) => Ended::NotStarted(why),
            Begun::Moved(why) => Ended::Moved(why),
            Begun::Ended(end) => ended(end, bodies),
            Begun::Runs => self.watch(job, bodies).await,
            Begun::Cut => {
                let now = self.now();
                self.wait(On::Until(now.plus(HEARD))).await;
                let mut state = self.state.borrow_mut();
                let until = state.cut_jobs.remove(&job.name).unwrap_or(now);
                state.cuts.insert(link(job).to_owned(), until);
                Ended::Unknown(format!("the link to {} was lost", link(job)))
            }
        }
    }

    async fn status(&self, job: &Job, bodies: &dyn Bodies) -> Result<JobStatus, LookError> {
        self.alive().await;
        let state = self.state.borrow();
        let target = link(job);
        let host = job.target.host.as_ref().filter(|_| job.action.place() == Place::Host);
        let boot = host.map(|host| state.world.boot_of(host)).transpose()?;
        if state.is_cut(target) {
            return Err(unreachable(target));
        }
        Ok(match state.world.job(job.name).map(|record| record.end.as_ref()) {
            Some(Some(End::Finished(finish))) => JobStatus::Finished(finished(finish, bodies)?),
            Some(Some(End::Died)) => JobStatus::Interrupted(Remains::default()),
            Some(Some(End::Revoked)) => JobStatus::Revoked,
            Some(None) => JobStatus::Running,
            // No claim means never started only under the same boot.
            None if boot.is_none() || boot == job.boot => JobStatus::NotStarted,
            None => JobStatus::Unknown,
        })
    }

    async fn attach(&self, job: &Job, bodies: &dyn Bodies) -> Ended {
        self.alive().await;
        if self.state.borrow().is_cut(link(job)) {
            return Ended::Unknown(format!("cannot reach {}", link(job)));
        }
        self.watch(job, bodies).await
    }

    async fn revoke(&self, job: &Job) -> Result<bool, LookError> {
        self.alive().await;
        let mut state = self.state.borrow_mut();
        if state.is_cut(link(job)) {
            return Err(unreachable(link(job)));
        }
        if state.world.job(job.name).is_none() {
            let record = state.world.revoked(job);
            let at = state.world.clock();
            state.world.claim(job.name, record.clone());
            state.write(vec![Line { at, what: What::Claimed { job: job.name, record: Box::new(record) } }]);
        }
        Ok(true)
    }

    async fn sample(&self, target: &Target, gate: &Gate, bodies: &dyn Bodies) -> Result<Sample, LookError> {
        self.alive().await;
        let state = self.state.borrow();
        let asks = match gate {
            Gate::PackageRestorable { .. } => target.host.as_ref().map_or("cluster", |host| host.as_str()),
            _ => "cluster",
        };
        if state.is_cut(asks) {
            return Err(unreachable(asks));
        }
        state.world.sample(target, gate, bodies)
    }

    fn now(&self) -> Micros {
        self.state.borrow().world.clock()
    }

    fn is_virtual(&self) -> bool {
        true
    }

    fn sleep(&self, until: Micros) -> impl Future<Output = ()> {
        self.wait(On::Until(until))
    }

    async fn idle(&self) -> Result<(), Halted> {
        loop {
            if self.state.borrow().halted {
                return Err(Halted);
            }
            if self.wake() {
                return Ok(());
            }
            let (from, to, limit) = {
                let state = self.state.borrow();
                let sleeps = state.waiters.values().filter_map(|(on, _)| match on {
                    On::Until(time) => Some(*time),
                    On::Job(_) => None,
                });
                let limit = sleeps.min();
                let waits = !state.waiters.is_empty();
                let event = state.world.next_event().filter(|_| waits);
                let to = event.into_iter().chain(limit).min();
                (state.world.clock(), to, limit)
            };
            let Some(to) = to else {
                // Nobody waits for the clock: whatever is awaited happens outside the world.
                return pending().await;
            };
            // A watched lab moves in small slices, so that whoever else waits is heard in between.
            let to = self.slice(from, limit.map_or(to, |limit| limit.min(to)));
            self.pace(to.since(from)).await;
            self.step(to);
        }
    }
}
