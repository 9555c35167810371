//! What a schedule is like: its shape, and which faults happen how often. All of it follows from the seed.

use crate::account::AccountPlan;
use crate::dice::Dice;
use leadwire_core::lane::Shape;

/// A kind of fault. Each is on in about half of the schedules, since those that are always on hide one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// The request never arrives, and nobody says so.
    LostRequest,
    /// It is carried out, and the answer is lost.
    LostAnswer,
    /// It is carried out after it was given up.
    LateRequest,
    /// The connection is refused.
    Refused,
    /// The destination is down for a while.
    Outage,
    /// Its credential dies until somebody mends it.
    Credential,
    /// It said that it is gone until somebody resumes it.
    Gone,
    /// It asks for peace.
    Busy,
    /// It says that one record may be tried later, and when.
    LaterAlone,
    /// It refuses a record for ever.
    Poison,
    /// It refuses a batch as a whole for one record in it.
    Whole,
    /// Something of ours is stale, once.
    Stale,
    /// The connector fails inside.
    Panic,
    /// The program is killed.
    Kill,
    /// The program is killed around a commit.
    KillAtCommit,
    /// The machine loses its power.
    PowerCut,
    /// The program stands still for a while.
    Standstill,
    /// It stands still between the decision to send and the first byte.
    StandstillAtSend,
    /// A lane's task panics and is started anew.
    LanePanic,
    /// The clock is found to be set back after a restart.
    ClockBack,
    /// The acknowledgement is lost, and the sender comes again.
    LostAck,
    /// A person pauses and resumes.
    PersonPauses,
    /// A person retries what is parked.
    PersonRetries,
    /// A person is erased.
    Erasure,
    /// A customer asks not to be contacted.
    Refusal,
    /// The clock is found to run ahead after a restart, by up to days, and may be put right at the next.
    ClockAhead,
    /// A node is gone, or cut off with its requests still under way, and another one takes the lane.
    NodeLost,
    /// A lane is to move to another node in good order.
    LaneMoves,
}

impl Fault {
    pub(crate) const ALL: [Self; 28] = [
        Self::LostRequest,
        Self::LostAnswer,
        Self::LateRequest,
        Self::Refused,
        Self::Outage,
        Self::Credential,
        Self::Gone,
        Self::Busy,
        Self::LaterAlone,
        Self::Poison,
        Self::Whole,
        Self::Stale,
        Self::Panic,
        Self::Kill,
        Self::KillAtCommit,
        Self::PowerCut,
        Self::Standstill,
        Self::StandstillAtSend,
        Self::LanePanic,
        Self::ClockBack,
        Self::LostAck,
        Self::PersonPauses,
        Self::PersonRetries,
        Self::Erasure,
        Self::Refusal,
        Self::ClockAhead,
        Self::NodeLost,
        Self::LaneMoves,
    ];

    /// Whether it comes by itself, now and then.
    pub(crate) fn strikes(self) -> bool {
        matches!(
            self,
            Self::Kill
                | Self::PowerCut
                | Self::Standstill
                | Self::LanePanic
                | Self::Outage
                | Self::Credential
                | Self::Gone
                | Self::PersonPauses
                | Self::PersonRetries
                | Self::NodeLost
                | Self::LaneMoves
        )
    }

    fn bit(self) -> u32 {
        1 << (self as u32)
    }
}

/// A schedule.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    on: u32,
    /// How often the faults that are on happen, in a thousand.
    pub(crate) rate: u64,
    pub(crate) lanes: Vec<LanePlan>,
    /// Accounts with budgets.
    pub(crate) accounts: Vec<AccountPlan>,
    pub(crate) customers: u64,
    pub(crate) actions: usize,
    /// Over how long the customers act, in milliseconds.
    pub(crate) lasts: i64,
}

/// A destination.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LanePlan {
    pub(crate) shape: Shape,
    /// Whether leads share keys of which one request may be in flight.
    pub(crate) has_keys: bool,
    /// Which account it calls; none: one without a budget.
    pub(crate) account: Option<usize>,
}

impl Plan {
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let mut on = 0;
        // These came later, and their dice are their own: they change no schedule that was there before.
        let later = [
            (Fault::ClockAhead, 0xa4ead, 300),
            (Fault::NodeLost, 0x10de5, 150),
            (Fault::LaneMoves, 0x30de5, 150),
        ];
        for fault in Fault::ALL.into_iter().filter(|it| later.iter().all(|that| that.0 != *it)) {
            if dice.falls(450) {
                on |= fault.bit();
            }
        }
        for (fault, salt, share) in later {
            if Dice::new(seed ^ salt).falls(share) {
                on |= fault.bit();
            }
        }
        let lanes = (0..=dice.below(2))
            .map(|_| LanePlan {
                shape: Shape {
                    in_flight: *dice.pick(&[1, 2, 4, 16]),
                    batch_max: *dice.pick(&[1, 1, 3, 10]),
                    fold_max: 1,
                },
                has_keys: dice.falls(300),
                account: None,
            })
            .collect();
        // Many customers at once fill a lane; few of them act again and again.
        let (customers, actions) = *dice.pick(&[(2, 8), (3, 14), (5, 20), (60, 60)]);
        let lasts = *dice.pick(&[2_000, 60_000, 900_000]);
        let rate = *dice.pick(&[5, 30, 120]);
        let plan = Self { seed, on, rate, lanes, accounts: Vec::new(), customers, actions, lasts };
        plan.with_folds().with_accounts()
    }

    /// Lets some lanes bring several touchpoints of a lead together. Their dice are their own.
    fn with_folds(mut self) -> Self {
        let mut dice = Dice::new(self.seed ^ 0xf01d);
        for lane in &mut self.lanes {
            lane.shape.fold_max = *dice.pick(&[1, 1, 2, 16]);
        }
        self
    }

    /// Puts budgets into some schedules. Their dice are their own: without budgets a schedule is what it was before there
    /// were any.
    fn with_accounts(mut self) -> Self {
        let mut dice = Dice::new(self.seed ^ 0xacc0);
        if dice.falls(400) {
            let is_shared = dice.falls(500);
            let has_one = dice.falls(300);
            for (number, lane) in self.lanes.iter_mut().enumerate() {
                lane.account = match number {
                    0 => Some(0),
                    _ if is_shared => Some(0),
                    _ if has_one => None,
                    _ => Some(1),
                };
            }
            let accounts = self.lanes.iter().filter_map(|it| it.account).max().map_or(0, |it| it + 1);
            self.accounts = (0..accounts).map(|it| AccountPlan::draw(&mut dice, it)).collect();
        }
        self
    }

    /// The same schedule with as many calls as there is to send.
    pub(crate) fn without_budgets(&self) -> Self {
        let mut plan = self.clone();
        plan.accounts.clear();
        plan.lanes.iter_mut().for_each(|it| it.account = None);
        plan
    }

    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.on & fault.bit() != 0
    }

    /// The faults that happen.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        Fault::ALL.into_iter().filter(|it| self.has(*it)).collect()
    }

    /// The same schedule without a fault.
    pub(crate) fn without(&self, fault: Fault) -> Self {
        Self { on: self.on & !fault.bit(), ..self.clone() }
    }
}
