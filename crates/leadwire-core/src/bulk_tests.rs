//! The laws of bulk jobs: only for what batches would bring too late, and never waited for without an end.

use super::*;
use crate::budget::{Cost, Window};
use proptest::prelude::*;
use std::time::Duration;

const NOON: Timestamp = Timestamp::from_millis(1_795_168_800_000);
const DAY: Duration = Duration::from_secs(24 * 3600);
const JOB: u32 = 8;

fn budget(calls: u32) -> Budget {
    let window = Window { calls: Some(calls), length: DAY, kept_percent: 0, is_set: true };
    let cost = Cost { fixed: 8, each: 0, spare: 10 };
    Budget { account: "test".to_owned(), windows: vec![window], cost }
}

fn all_new(waiting: u64) -> Backlog {
    Backlog { waiting, fit: waiting, ..Backlog::default() }
}

fn chosen(calls: u32, backlog: Backlog) -> Way {
    choose((&budget(calls), &[]), backlog, (JOB, 200), NOON)
}

#[test]
fn a_backlog_that_the_day_has_calls_for_goes_by_batches() {
    assert_eq!(chosen(100_000, all_new(1_000_000)), Way::Batches);
    assert_eq!(chosen(1000, all_new(10_000)), Way::Batches);
}

#[test]
fn a_backlog_that_would_take_days_goes_as_a_job() {
    assert_eq!(chosen(20, all_new(3000)), Way::Job(Whom::NotActive));
    assert_eq!(chosen(100, all_new(20_000)), Way::Job(Whom::NotActive));
}

#[test]
fn few_deliveries_are_not_worth_a_job() {
    assert_eq!(chosen(9, all_new(1999)), Way::Batches);
    let repeats = Backlog { fit: 100, ..all_new(20_000) };
    assert_eq!(chosen(20, repeats), Way::Batches, "what was tried before goes by batches");
}

#[test]
fn a_budget_too_small_for_a_job_makes_none() {
    assert_eq!(chosen(JOB - 1, all_new(20_000)), Way::Batches);
}

#[test]
fn whoever_asked_to_be_called_is_in_a_job_only_when_batches_are_too_slow_for_them() {
    let few = Backlog { active: 200, fit_active: 200, ..all_new(5000) };
    assert_eq!(chosen(20, few), Way::Job(Whom::NotActive));
    let many = Backlog { waiting: 8000, active: 6000, fit: 2000, fit_active: 6000 };
    assert_eq!(chosen(20, many), Way::Job(Whom::All));
}

fn job(stage: Stage, handle: &str, look_at: Timestamp) -> Job {
    Job { stage, handle: handle.to_owned(), begun_at: NOON, looks: 0, look_at }
}

proptest! {
    #[test]
    fn more_calls_never_turn_batches_into_a_job(
        calls in 1u32..2000, more in 0u32..2000, waiting in 0u64..20_000, active in 0u64..5000,
    ) {
        let active = active.min(waiting);
        let backlog = Backlog { waiting, active, fit: waiting - active, fit_active: active };
        if calls >= JOB && chosen(calls, backlog) == Way::Batches && waiting - active >= 2000 {
            prop_assert_eq!(chosen(calls + more, backlog), Way::Batches);
        }
    }

    #[test]
    fn every_job_comes_to_an_end_however_it_is_looked_at(
        seconds in 0u64..400_000, look in 0u64..400_000, is_running: bool, has_handle: bool,
    ) {
        let now = NOON.plus(Duration::from_secs(seconds));
        let stage = if is_running { Stage::Running } else { Stage::Sending };
        let handle = if has_handle { "7505e000000AAAA" } else { "" };
        let job = job(stage, handle, NOON.plus(Duration::from_secs(look)));
        match next_step(&job, now) {
            Step::Wait(at) => {
                prop_assert!(at > now, "a wait that is over is no wait");
                prop_assert!(at <= NOON.plus(limits::BULK_LONGEST));
            }
            Step::GiveUp => prop_assert!(now >= NOON.plus(limits::BULK_LOST)),
            Step::Look => prop_assert!(has_handle),
            Step::PutBack => prop_assert!(false, "what may have been sent is not put back as untried"),
        }
        // At the latest after one more look.
        let late = NOON.plus(limits::BULK_LONGEST).max(now);
        let looked = Job { look_at: look_again_at(job.looks, late), ..job.clone() };
        prop_assert_eq!(next_step(&looked, late), Step::GiveUp);
        if has_handle && job.look_at <= late {
            prop_assert_eq!(next_step(&job, late), Step::Look);
        }
    }
}

#[test]
fn what_was_gathered_and_not_sent_is_put_back() {
    assert_eq!(next_step(&job(Stage::Gathering, "", NOON), NOON), Step::PutBack);
}

#[test]
fn looks_become_rarer_up_to_a_bound() {
    assert_eq!(look_again_at(0, NOON), NOON.plus(limits::BULK_LOOK_FIRST));
    assert_eq!(look_again_at(1, NOON), NOON.plus(limits::BULK_LOOK_FIRST * 2));
    assert_eq!(look_again_at(u32::MAX, NOON), NOON.plus(limits::BULK_LOOK_LONGEST));
}
