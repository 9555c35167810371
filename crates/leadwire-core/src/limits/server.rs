//! Bounds of a store on a database server, and of what its nodes tell each other.

use std::time::Duration;

/// Connections of one node that write to a database server: while one waits for its flush, others gather.
pub const SERVER_WRITERS: usize = 3;
/// Most connections that write, or read, that an operator can ask for: a server has room for a few hundred connections of all its nodes.
pub const SERVER_CONNECTIONS_MAX: usize = 64;
/// Rows of parameters in one statement of a database server: past some hundreds more of them save no more waiting, and the
/// memory of a statement must have a bound.
pub const SERVER_STATEMENT_ROWS_MAX: usize = 512;
/// How long a sender waits for a database server to store what it sent, before it is told to send again: marketplaces give
/// up after half a minute.
pub const SENDER_WAIT: Duration = Duration::from_secs(15);
/// Longest message that nodes tell each other, in bytes: a PostgreSQL server takes less than 8000.
pub const NEWS_BYTES_MAX: usize = 7000;
/// News that wait to be taken up; beyond that a node is told that it missed some, and looks.
pub const NEWS_WAITING_MAX: usize = 1024;
/// How long the listener waits for news before it looks whether the server is to be asked if it is there. Closing a store ends the
/// waiting, but for [`LISTEN_CHECK_WAIT`] when it is just being asked.
pub const LISTEN_STEP: Duration = Duration::from_millis(250);
/// Steps without news after which the server is asked whether it is there.
pub const LISTEN_SILENT_STEPS: u32 = 40;
/// How long it may take to say so.
pub const LISTEN_CHECK_WAIT: Duration = Duration::from_secs(5);
/// Between two tries to listen, when the connection ended.
pub const LISTEN_AGAIN: Duration = Duration::from_secs(1);
/// How often work is begun anew whose transaction a database server rolled back for no fault of the work.
pub const SERVER_TRIES: u32 = 3;
/// How long a database server that went away during a commit is waited for, to be asked what became of it.
pub const SERVER_DOUBT_WAIT: Duration = Duration::from_secs(10);
/// Between two tries to reach it meanwhile.
pub const SERVER_DOUBT_STEP: Duration = Duration::from_millis(200);
/// How long a database server may take to let a node in, from the first byte to the sign-in: one that hangs lets nobody in, and
/// does not say so.
pub const SERVER_CONNECT_WAIT: Duration = Duration::from_secs(15);
/// How long a connection waits for an answer before it is given up. Longer than a statement may last, which the server itself
/// ends after a minute: past that it hangs.
pub const SERVER_ANSWER_WAIT: Duration = Duration::from_secs(75);
/// How long a connection that is closed in good order waits for the server to have closed it too.
pub const SERVER_CLOSE_WAIT: Duration = Duration::from_secs(2);
/// How long an examination of whether a node is ready waits for the database server: whoever asks gives up soon.
pub const READY_WAIT: Duration = Duration::from_secs(2);
/// How often a node holds its machine's clock against the database server's.
pub const CLOCK_LOOK_EVERY: Duration = Duration::from_secs(60);
/// How far a machine's clock may be from the database server's before somebody is told, in milliseconds: leads that several
/// nodes take in are in the order of their machines' clocks, and a customer's next action is seconds away.
pub const CLOCK_OFF_MAX_MS: i64 = 2000;
