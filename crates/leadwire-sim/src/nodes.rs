//! Lanes that go from one node to another: at once, since a node is gone or cut off, or in good order.
//!
//! A node that is cut off goes on waiting for its requests, which another one cannot know; both read the same rows. That it
//! begins none any more once another may have the lane is `leadwire::nodes`' part, and so it is here.

use crate::check::Goal;
use crate::plan::Fault;
use crate::rows::{From, Rows};
use crate::world::{Event, LaneTask, World};
use leadwire_core::lane::LaneToken;
use leadwire_core::limits;

impl<R: Rows> World<R> {
    /// A lane's node is gone, with its connections or without: another one takes the lane.
    pub(crate) fn lose_node(&mut self, lane: usize) {
        let Some(hand) = std::mem::take(&mut self.tasks[lane]).hand else { return };
        if self.dice.falls(500) {
            self.let_go_of_requests(lane);
        } else {
            self.checks.reach(Goal::NodeCutOff);
            self.lose_calls(lane);
            let wait = i64::try_from(limits::ATTEMPT_WAIT.as_millis()).expect("minutes");
            self.after(wait, Event::CutOffEnds(lane, hand.token().number()));
        }
        self.from[lane] = From::Another;
        let wait = self.dice.within(1, 12_000);
        self.after(wait, Event::Takes(lane));
    }

    /// A lane is to be another node's: nothing of it is begun any more.
    pub(crate) fn move_lane(&mut self, lane: usize) {
        let Some(hand) = &mut self.tasks[lane].hand else { return };
        if hand.is_stopping() {
            return;
        }
        hand.stop();
        let token = hand.token();
        let wait = i64::try_from(limits::SHUTDOWN_WAIT.as_millis()).expect("seconds");
        self.after(wait, Event::GivesUp(lane, token));
        self.pump(lane);
    }

    /// Gives a lane back of which nothing is under way any more.
    pub(crate) fn give_back(&mut self, lane: usize) {
        let Some(hand) = self.tasks[lane].hand.as_ref().filter(|it| it.has_stopped()) else { return };
        let token = hand.token();
        if self.strikes(Fault::KillAtCommit) {
            return self.kill();
        }
        self.rows.release(lane, token);
        self.checks.reach(Goal::LaneMoved);
        self.tasks[lane] = LaneTask::default();
        let wait = self.dice.within(1, 3_000);
        self.after(wait, Event::Takes(lane));
    }

    /// A lane that is to move, and has requests under way for too long, is left with them: its lease has to run out.
    pub(crate) fn give_up(&mut self, lane: usize, token: LaneToken) {
        if self.tasks[lane].hand.as_ref().is_none_or(|it| it.token() != token) {
            return;
        }
        self.checks.reach(Goal::LaneMovedLate);
        self.tasks[lane] = LaneTask::default();
        self.let_go_of_requests(lane);
        self.from[lane] = From::Another;
        let left = self.rows.model().lanes[lane].leased_until - self.clock().millis();
        self.after(left.max(1), Event::Takes(lane));
    }

    /// Whether a request was begun by a node that has the lane no more.
    pub(crate) fn is_of_another(&self, lane: usize, request: usize) -> bool {
        let token = self.wire.requests[request].token;
        self.tasks[lane].hand.as_ref().is_none_or(|it| it.token().number() != token)
    }
}
