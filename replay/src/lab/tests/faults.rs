//! Death, cut links, the ledger: the world goes on and is found again.

use super::super::{Effect, End, Failing, Fault, Lab, Phase, What, World, block_on, effects};
use super::{Bench, action, around, outside};
use palinode_core::action::Target;
use palinode_core::id::{HostName, Micros};
use palinode_core::port::{Ended, Executor, JobStatus, LookError, Remains};
use palinode_core::record::Why;

const G1: &str = "gluster1.demo";

fn purge() -> palinode_core::action::Action {
    action(r#"{"file":{"paths":["/etc/origin","/etc/dnsmasq.d/*"],"state":"absent"}}"#)
}

#[test]
fn the_ledger_gives_every_world_again() {
    let mut bench = Bench::demo();
    let mut expected = Vec::new();
    *bench.inventory.borrow_mut() = super::migration::moved(G1);
    for step in super::migration::steps() {
        bench.does(G1, step);
        expected.push((bench.lab.lines().len(), bench.lab.snapshot()));
    }
    let lines = bench.lab.lines();
    let mut world = World::demo();
    let mut expected = expected.into_iter().peekable();
    for (count, line) in lines.iter().enumerate() {
        let text = serde_json::to_string(line).expect("writes");
        assert_eq!(&serde_json::from_str::<super::super::Line>(&text).expect("reads"), line);
        world.replay(line);
        if let Some((_, snapshot)) = expected.next_if(|(lines, _)| *lines == count + 1) {
            assert_eq!(world.digest(), snapshot.digest(), "after line {count}");
            assert_eq!(world.clock(), snapshot.clock());
        }
    }
    // Killed after any line and found again, the world goes on as if nothing had been.
    let claimed = |line: &super::super::Line| matches!(line.what, What::Claimed { .. });
    let mut at_line = World::demo();
    for (count, line) in lines.iter().enumerate() {
        let next = lines[count..].iter().position(claimed).map_or(lines.len(), |at| count + at);
        let (mut found, mut told) = (at_line.clone(), at_line.clone());
        lines[count..next].iter().for_each(|line| told.replay(line));
        let to = lines.get(next).map_or(told.clock(), |line| line.at);
        found.advance_to(to);
        told.advance_to(to);
        assert_eq!(found, told, "before line {count}");
        at_line.replay(line);
    }
    assert_eq!(expected.next().map(|(lines, _)| lines), None);
    let mut live = bench.lab.snapshot();
    let to = world.clock().plus(Micros::seconds(1000));
    world.advance_to(to);
    live.advance_to(to);
    assert_eq!(world, live);
    assert!(effects(&lines).iter().any(|done| matches!(done.effect, Effect::Reboot { .. })));
}

#[test]
fn a_lab_on_disk_survives_death_at_every_moment() {
    for phase in [Phase::NotBegun, Phase::Half, Phase::Done] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut bench = Bench::demo();
        bench.lab = Lab::create(folder.path(), World::demo(), around(&bench.inventory)).expect("creates");
        assert!(Lab::create(folder.path(), World::demo(), around(&bench.inventory)).is_err());
        let (job, footprint) = bench.job(G1, purge());
        bench.lab.fault(Fault { step: job.step.clone(), attempt: 1, phase });
        let died = std::rc::Rc::new(std::cell::Cell::new(false));
        let flag = std::rc::Rc::clone(&died);
        bench.lab.on_halt(move || flag.set(true));
        assert!(block_on(&bench.lab, bench.lab.execute(&job, &bench.bodies)).is_err(), "{phase:?}");
        assert!(died.get());
        let left = bench.lab.snapshot();
        // A torn line at the end is what a kill leaves.
        let path = folder.path().join("ledger.jsonl");
        let mut bytes = std::fs::read(&path).expect("reads");
        bytes.extend_from_slice(b"{\"at\":15");
        std::fs::write(&path, bytes).expect("writes");
        bench.lab = Lab::open(folder.path(), around(&bench.inventory)).expect("opens");
        assert_eq!(bench.lab.snapshot().digest(), left.digest());
        // Not for long: the node's sync pod would write the configuration anew.
        bench.lab.advance(Micros::seconds(5));
        let status = block_on(&bench.lab, bench.lab.status(&job, &bench.bodies)).expect("lives").expect("answers");
        let verdict = job.action.judge(&footprint, &job.before, &bench.look(&footprint));
        use palinode_core::action::Verdict;
        match phase {
            Phase::NotBegun => assert_eq!((status, verdict), (JobStatus::NotStarted, Verdict::NotApplied)),
            Phase::Half => {
                assert_eq!((status, verdict), (JobStatus::Interrupted(Remains::default()), Verdict::Partial));
            }
            _ => assert!(matches!(status, JobStatus::Finished(_)) && verdict == Verdict::Applied),
        }
        bench.does(G1, purge());
        let again = Lab::open(folder.path(), around(&bench.inventory)).expect("opens");
        assert_eq!(again.digest(), bench.lab.digest());
        assert_eq!(again.now(), bench.lab.now());
    }
}

#[test]
fn a_job_goes_on_when_its_process_is_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut bench = Bench::demo();
    bench.lab = Lab::create(folder.path(), World::demo(), around(&bench.inventory)).expect("creates");
    bench.does(G1, action(r#"{"kube.cordon":{}}"#));
    let (job, _) = bench.job(G1, action(r#"{"kube.drain":{"emptydir":"delete"}}"#));
    {
        // Started, watched for six seconds, dropped.
        let execute = std::pin::pin!(bench.lab.execute(&job, &bench.bodies));
        let until = bench.lab.now().plus(Micros::seconds(6));
        let sleep = std::pin::pin!(bench.lab.sleep(until));
        assert!(block_on(&bench.lab, futures_util::future::select(execute, sleep)).is_ok());
    }
    bench.lab = Lab::open(folder.path(), around(&bench.inventory)).expect("opens");
    let status = block_on(&bench.lab, bench.lab.status(&job, &bench.bodies)).expect("lives").expect("answers");
    assert_eq!(status, JobStatus::Running);
    let ended = block_on(&bench.lab, bench.lab.attach(&job, &bench.bodies)).expect("lives");
    assert!(matches!(ended, Ended::Finished(ref done) if done.why.is_none()), "{ended:?}");
    let evictions = bench.lab.effects();
    let mut seen: Vec<_> = evictions.iter().map(|done| format!("{:?}", done.effect)).collect();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), evictions.len(), "nothing happened twice");
}

#[test]
fn a_damaged_ledger_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut bench = Bench::demo();
    bench.lab = Lab::create(folder.path(), World::demo(), around(&bench.inventory)).expect("creates");
    bench.does(G1, action(r#"{"kube.cordon":{}}"#));
    bench.does(G1, action(r#"{"kube.uncordon":{}}"#));
    let path = folder.path().join("ledger.jsonl");
    let text = std::fs::read_to_string(&path).expect("reads");
    let lines: Vec<&str> = text.lines().collect();
    let (swapped, hurt) = ([lines[lines.len() - 1], lines[0], ""].join("\n"), text.replacen("at", "ta", 1));
    for bad in [swapped, hurt] {
        std::fs::write(&path, bad).expect("writes");
        let error = Lab::open(folder.path(), around(&bench.inventory)).err().expect("refused");
        assert!(error.to_string().contains("is damaged"), "{error}");
    }
    std::fs::write(folder.path().join("world.json"), "{}").expect("writes");
    assert!(Lab::open(folder.path(), around(&bench.inventory)).is_err());
}

#[test]
fn an_inventory_edit_is_in_doubt_if_the_process_dies_around_it() {
    for (phase, edited) in [(Phase::Half, false), (Phase::Done, true)] {
        let mut bench = Bench::demo();
        let edit = action(r#"{"inventory.edit":{"file":"/lab/hosts","edits":[]}}"#);
        let (job, _) = bench.job(G1, edit);
        bench.lab.fault(Fault { step: job.step.clone(), attempt: 1, phase });
        assert!(block_on(&bench.lab, bench.lab.execute(&job, &bench.bodies)).is_err());
        bench.lab.revive();
        let status = block_on(&bench.lab, bench.lab.status(&job, &bench.bodies)).expect("lives").expect("answers");
        assert_eq!(matches!(status, JobStatus::Finished(_)), edited, "{status:?}");
        assert_eq!(bench.inventory.borrow().ends_with("# edited\n"), edited);
        bench.does(G1, action(r#"{"kube.cordon":{}}"#));
    }
}

#[test]
fn the_cluster_knows_the_node_of_a_host_that_is_down_and_of_none_that_is_not_there() {
    let bench = Bench::demo();
    bench.lab.change(Effect::Reboot { host: G1.to_owned() });
    let node_of = |host: Option<&str>| {
        let host = host.map(|host| HostName::new(host).expect("a host name"));
        block_on(&bench.lab, bench.lab.node_of(&Target { host, node: None })).expect("lives")
    };
    assert_eq!(node_of(Some(G1)).expect("the API answers"), Some(G1.to_owned()));
    assert_eq!(node_of(None).expect("there is nothing to ask"), None);
    assert!(matches!(node_of(Some("nothing.demo")), Err(LookError::Refused { .. })));
}

#[test]
fn a_cut_link_is_no_failure() {
    let mut bench = Bench::demo();
    let (job, footprint) = bench.job(G1, action(r#"{"package":{"names":["cri-tools","criu"],"state":"absent"}}"#));
    bench.lab.fault(Fault { step: job.step.clone(), attempt: 1, phase: Phase::LinkCut });
    let ended = block_on(&bench.lab, bench.lab.execute(&job, &bench.bodies)).expect("lives");
    assert!(matches!(ended, Ended::Unknown(_)), "{ended:?}");
    let status = block_on(&bench.lab, bench.lab.status(&job, &bench.bodies)).expect("lives");
    assert!(matches!(status, Err(LookError::Unreachable { .. })));
    let keys: Vec<_> = footprint.iter().map(|item| item.key.clone()).collect();
    assert!(block_on(&bench.lab, bench.lab.observe(&keys, &bench.bodies)).expect("lives").is_err());
    block_on(&bench.lab, bench.lab.sleep(bench.lab.now().plus(Micros::seconds(31)))).expect("lives");
    let status = block_on(&bench.lab, bench.lab.status(&job, &bench.bodies)).expect("lives").expect("answers");
    assert!(matches!(status, JobStatus::Finished(_)), "{status:?}");
}

#[test]
fn a_revoked_job_never_starts_and_a_claimed_one_never_twice() {
    let mut bench = Bench::demo();
    let (job, _) = bench.job(G1, purge());
    block_on(&bench.lab, bench.lab.revoke(&job)).expect("lives").expect("answers");
    let ended = block_on(&bench.lab, bench.lab.execute(&job, &bench.bodies)).expect("lives");
    assert!(matches!(ended, Ended::NotStarted(_)));
    let (job, _) = bench.job(G1, purge());
    for _ in 0..2 {
        let ended = block_on(&bench.lab, bench.lab.execute(&job, &bench.bodies)).expect("lives");
        assert!(matches!(ended, Ended::Finished(_)));
    }
    let claims = bench.lab.lines().into_iter().filter_map(|line| match line.what {
        What::Claimed { job: by, record } if by == job.name => Some(record.parts.len()),
        _ => None,
    });
    assert_eq!(claims.collect::<Vec<_>>(), [bench.lab.effects().len()], "claimed once, and each part done once");
}

#[test]
fn a_step_can_be_made_to_fail() {
    let mut bench = Bench::demo();
    let (job, footprint) = bench.job(G1, purge());
    bench.lab.make_fail(job.step.clone(), 1, "disk full", Failing::Half);
    let ended = block_on(&bench.lab, bench.lab.execute(&job, &bench.bodies)).expect("lives");
    let Ended::Finished(finished) = ended else { unreachable!("{ended:?}") };
    assert_eq!((finished.why, finished.message.as_deref()), (Some(Why::ExitCode), Some("disk full")));
    assert_eq!(
        job.action.judge(&footprint, &job.before, &bench.look(&footprint)),
        palinode_core::action::Verdict::Partial
    );
}

#[test]
fn jobs_can_be_carried_out_in_a_copy_of_the_world() {
    let mut bench = Bench::demo();
    let (job, footprint) = bench.job(G1, purge());
    let mut world = bench.lab.snapshot();
    let end = outside(&bench, |outside| world.perform(&job, outside, Phase::Half));
    assert_eq!(end, Some(End::Died));
    let now = footprint
        .iter()
        .map(|item| (item.key.clone(), world.observe(&item.key, &bench.bodies).expect("answers")))
        .collect();
    assert_eq!(job.action.judge(&footprint, &job.before, &now), palinode_core::action::Verdict::Partial);
    assert_eq!(bench.look(&footprint), *job.before, "the lab itself is untouched");
}
