//! What must have happened in a run for it to count: a law that was never in danger was not checked.

macro_rules! goals {
    ($($name:ident),* $(,)?) => {
        /// Something rare that must be reached now and then.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Goal { $($name),* }

        impl Goal {
            pub(crate) const ALL: &[Goal] = &[$(Goal::$name),*];
        }
    };
}

goals!(
    Killed,
    PowerCut,
    StoodStill,
    StoodStillAtSend,
    LanePanicked,
    ClockSetBack,
    AckLost,
    AnswerLost,
    ArrivedLate,
    ConnectorPanicked,
    ClaimedAsStored,
    BatchRefused,
    Repeated,
    Tripped,
    TripEnded,
    Paused,
    PauseEnded,
    StoppedByDestination,
    HeldLane,
    WentBackUntried,
    Parked,
    RetriedByPerson,
    ErasedInFlight,
    Deleted,
    RefusedInHand,
    BehindAnother,
    PausedByPerson,
    Delivered,
    WindowRolledOver,
    CallsRanOut,
    FewerCallsThanWanted,
    CallsWentBack,
    CallsDiedWithTheirLane,
    CallsFellShort,
    CallsLeftLate,
    CalledAside,
    RefusedForCalls,
    OthersTookAll,
    AskedAnew,
    LimitLearned,
    ClockRanAhead,
    NodeCutOff,
    LaneMoved,
    LaneMovedLate,
    Folded,
    FoldedIsWritten,
    FoldedIsRefused,
);
