//! Mistakes that are built in on purpose, where the simulator asks for one: it must find each of them.
//!
//! Only a build with the feature `defects` knows them, and only the simulator's is one. Everywhere else
//! [`seeded`] is `false` before the compiler is done, and nothing of this is left.

/// A mistake in the decisions of a lane.
#[allow(
    missing_docs,
    reason = "the names say it; the simulator's table tells what each does and which law breaks"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    LeaseNotChecked,
    ErasureNotHeeded,
    LateErasedIsTaken,
    RefusalNotHeeded,
    LateRefusedIsTaken,
    UnknownIsDone,
    UnknownIsParked,
    GivesUp,
    PoisonIsRetried,
    BatchIsNotHalved,
    HoldIsIgnored,
    PauseIsNotProbed,
    NeverTrips,
    NeverOpens,
    ProbeIsNotMoved,
    OwnFaultsTrip,
    OneDeliveryTrips,
    ReleaseIsForgotten,
    GateIsNotTold,
    OldTurnOpens,
    NextLookIsForgotten,
    FirstSpeaksForAll,
    NoRamp,
    HintIsIgnored,
    HintIsBelievedForEver,
    DelayHasNoCap,
    DeletionInABatch,
    BytesAreNotCounted,
    KeysAreShared,
    KeysAreKept,
    TooManyInFlight,
    RefusalsNeverPause,
    StopIsProbed,
    PausedStillSends,
    CallsAreNotCounted,
    CallsAreNotGivenBack,
    CountEndsEarly,
    CountIsRoundedDown,
    KeptShareIsUsed,
    OneWindowIsEnough,
    OthersAreIgnored,
    LookIsNotNoted,
    OldWordIsNeverAsked,
    BackIsForgotten,
    FreeIsNotTold,
    CallsOutliveTheirReservation,
    NextAskIsForgotten,
    ToldIsNotHeard,
    PersonIsOverbid,
    FillsForEver,
    LateTurnShortens,
    ReturnsAreNotAwaited,
    NextOvertakesARetry,
    FoldedAreParkedTogether,
}

/// Whether this mistake is on.
#[cfg(not(feature = "defects"))]
#[inline(always)]
pub const fn seeded(_: Defect) -> bool {
    false
}

#[cfg(feature = "defects")]
pub use switched::{seed, seeded};

#[cfg(feature = "defects")]
mod switched {
    use super::Defect;
    use std::cell::Cell;

    thread_local! {
        static ON: Cell<Option<Defect>> = const { Cell::new(None) };
    }

    /// Switches one mistake on in this thread, or all off.
    pub fn seed(defect: Option<Defect>) {
        ON.set(defect);
    }

    /// Whether this mistake is on in this thread.
    pub fn seeded(defect: Defect) -> bool {
        ON.get() == Some(defect)
    }
}
