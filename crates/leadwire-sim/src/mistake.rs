//! The mistakes that must be found: those of a lane's decisions, which are built into the core, and those of the world
//! around them: the store, the intake, the connector. One is on at a time.

use leadwire_core::defect::Defect;
use std::cell::Cell;

/// A mistake outside the core. Its name says what is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mistake {
    AckBeforeCommit,
    FlushedLater,
    NoKeys,
    NotFenced,
    ClaimsStay,
    NoOrder,
    NextIsNotFreed,
    NoDoubt,
    InterruptedIsForgotten,
    WaitingIsNotErased,
    DeletionAtOnce,
    NoDeletion,
    DueIsIgnored,
    TriesAreNotCounted,
    PersonIsOverruled,
    ClockIsTrusted,
    SuccessIsTheStatus,
    NewKeyEachTime,
    NobodyRings,
    MeterIsOpen,
    ReservationsDie,
    DestinationsCountApart,
    AsksForNobody,
    DoubtsEndByTheClock,
    LeftBehindIsOurs,
    FoldsInDoubt,
    FoldsWhatIsNotDue,
    FoldedAreAllFree,

    NextIsFreedTwice,

    FirstOfSeveralIsRepeated,

    ReleasedAreAllFree,
}

/// Any mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seeded {
    Core(Defect),
    World(Mistake),
}

/// Every one that must be found.
#[rustfmt::skip]
pub(crate) const ALL: &[Seeded] = &[
    Seeded::Core(Defect::LeaseNotChecked),
    Seeded::Core(Defect::ErasureNotHeeded),
    Seeded::Core(Defect::LateErasedIsTaken),
    Seeded::Core(Defect::RefusalNotHeeded),
    Seeded::Core(Defect::LateRefusedIsTaken),
    Seeded::Core(Defect::UnknownIsDone),
    Seeded::Core(Defect::UnknownIsParked),
    Seeded::Core(Defect::GivesUp),
    Seeded::Core(Defect::PoisonIsRetried),
    Seeded::Core(Defect::BatchIsNotHalved),
    Seeded::Core(Defect::HoldIsIgnored),
    Seeded::Core(Defect::PauseIsNotProbed),
    Seeded::Core(Defect::NeverTrips),
    Seeded::Core(Defect::NeverOpens),
    Seeded::Core(Defect::ProbeIsNotMoved),
    Seeded::Core(Defect::OwnFaultsTrip),
    Seeded::Core(Defect::OneDeliveryTrips),
    Seeded::Core(Defect::ReleaseIsForgotten),
    Seeded::Core(Defect::GateIsNotTold),
    Seeded::Core(Defect::OldTurnOpens),
    Seeded::Core(Defect::NextLookIsForgotten),
    Seeded::Core(Defect::FirstSpeaksForAll),
    Seeded::Core(Defect::NoRamp),
    Seeded::Core(Defect::HintIsIgnored),
    Seeded::Core(Defect::HintIsBelievedForEver),
    Seeded::Core(Defect::DelayHasNoCap),
    Seeded::Core(Defect::DeletionInABatch),
    Seeded::Core(Defect::BytesAreNotCounted),
    Seeded::Core(Defect::KeysAreShared),
    Seeded::Core(Defect::KeysAreKept),
    Seeded::Core(Defect::TooManyInFlight),
    Seeded::Core(Defect::RefusalsNeverPause),
    Seeded::Core(Defect::StopIsProbed),
    Seeded::Core(Defect::PausedStillSends),
    Seeded::Core(Defect::CallsAreNotCounted),
    Seeded::Core(Defect::CallsAreNotGivenBack),
    Seeded::Core(Defect::CountEndsEarly),
    Seeded::Core(Defect::CountIsRoundedDown),
    Seeded::Core(Defect::KeptShareIsUsed),
    Seeded::Core(Defect::OneWindowIsEnough),
    Seeded::Core(Defect::OthersAreIgnored),
    Seeded::Core(Defect::LookIsNotNoted),
    Seeded::Core(Defect::OldWordIsNeverAsked),
    Seeded::Core(Defect::BackIsForgotten),
    Seeded::Core(Defect::FreeIsNotTold),
    Seeded::Core(Defect::CallsOutliveTheirReservation),
    Seeded::Core(Defect::NextAskIsForgotten),
    Seeded::Core(Defect::ToldIsNotHeard),
    Seeded::Core(Defect::PersonIsOverbid),
    Seeded::Core(Defect::FillsForEver),
    Seeded::Core(Defect::LateTurnShortens),
    Seeded::Core(Defect::ReturnsAreNotAwaited),
    Seeded::Core(Defect::NextOvertakesARetry),
    Seeded::Core(Defect::FoldedAreParkedTogether),
    Seeded::World(Mistake::AckBeforeCommit),
    Seeded::World(Mistake::FlushedLater),
    Seeded::World(Mistake::NoKeys),
    Seeded::World(Mistake::NotFenced),
    Seeded::World(Mistake::ClaimsStay),
    Seeded::World(Mistake::NoOrder),
    Seeded::World(Mistake::NextIsNotFreed),
    Seeded::World(Mistake::NoDoubt),
    Seeded::World(Mistake::InterruptedIsForgotten),
    Seeded::World(Mistake::WaitingIsNotErased),
    Seeded::World(Mistake::DeletionAtOnce),
    Seeded::World(Mistake::NoDeletion),
    Seeded::World(Mistake::DueIsIgnored),
    Seeded::World(Mistake::TriesAreNotCounted),
    Seeded::World(Mistake::PersonIsOverruled),
    Seeded::World(Mistake::ClockIsTrusted),
    Seeded::World(Mistake::SuccessIsTheStatus),
    Seeded::World(Mistake::NewKeyEachTime),
    Seeded::World(Mistake::NobodyRings),
    Seeded::World(Mistake::MeterIsOpen),
    Seeded::World(Mistake::ReservationsDie),
    Seeded::World(Mistake::DestinationsCountApart),
    Seeded::World(Mistake::AsksForNobody),
    Seeded::World(Mistake::DoubtsEndByTheClock),
    Seeded::World(Mistake::LeftBehindIsOurs),
    Seeded::World(Mistake::FoldsInDoubt),
    Seeded::World(Mistake::FoldsWhatIsNotDue),
    Seeded::World(Mistake::FoldedAreAllFree),
    
    Seeded::World(Mistake::NextIsFreedTwice),
    
    Seeded::World(Mistake::FirstOfSeveralIsRepeated),
    
    Seeded::World(Mistake::ReleasedAreAllFree),
];

impl Seeded {
    pub(crate) fn name(self) -> String {
        match self {
            Self::Core(defect) => format!("{defect:?}"),
            Self::World(mistake) => format!("{mistake:?}"),
        }
    }
}

thread_local! {
    static ON: Cell<Option<Mistake>> = const { Cell::new(None) };
}

/// Whether this mistake is made in this thread.
pub(crate) fn made(mistake: Mistake) -> bool {
    ON.get() == Some(mistake)
}

/// Switches one mistake on in this thread, or all off.
///
/// # Panics
/// For a mistake of the core in a build without them.
pub(crate) fn seed(seeded: Option<Seeded>) {
    let (core, world) = match seeded {
        None => (None, None),
        Some(Seeded::Core(defect)) => (Some(defect), None),
        Some(Seeded::World(mistake)) => (None, Some(mistake)),
    };
    ON.set(world);
    #[cfg(feature = "defects")]
    leadwire_core::defect::seed(core);
    #[cfg(not(feature = "defects"))]
    assert!(core.is_none(), "build with `--features defects` to have mistakes in the core");
}
