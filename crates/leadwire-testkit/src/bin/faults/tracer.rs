//! System calls that fail on demand: the program under strace, which makes chosen calls fail, or lie.

use anyhow::{Context, ensure};
use leadwire::clock::Stopwatch;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Attaching to all threads of a program takes milliseconds.
const ATTACHED_WITHIN: Duration = Duration::from_secs(30);

/// Why this machine cannot do it, if it cannot.
pub(crate) fn lacks() -> Option<String> {
    let mut strace = Command::new("strace");
    let fix =
        "install it (Debian: apt-get install strace) and let it trace (in a container: --cap-add SYS_PTRACE)";
    match strace.args(["-D", "-f", "--seccomp-bpf", "-qq", "-e", "trace=none", "true"]).output() {
        Ok(output) if output.status.success() => None,
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            Some(format!("strace does not work here ({said}): {fix}"))
        }
        Err(error) => Some(format!("strace is missing ({error}): {fix}")),
    }
}

/// What stands before the program so that strace watches these calls on these files. The program stays the child that
/// was started, so it can be killed and waited for as without.
pub(crate) fn through(trace: &Path, files: &[String], calls: &str, inject: Option<&str>) -> Vec<String> {
    let mut words: Vec<String> =
        ["strace", "-D", "-f", "--seccomp-bpf", "-qq", "-o"].map(str::to_owned).into();
    words.push(trace.display().to_string());
    files.iter().for_each(|it| words.extend(["-P".to_owned(), it.clone()]));
    words.extend(["-e".to_owned(), format!("trace={calls}")]);
    words.extend(inject.into_iter().flat_map(|it| ["-e".to_owned(), format!("inject={it}")]));
    words
}

/// What stands before the program so that it is killed as it enters such a call. Without the filter in the kernel, with which
/// strace 6.1 does not deliver all of its signals.
pub(crate) fn killing(trace: &Path, files: &[String], calls: &str, when: u64) -> Vec<String> {
    let kill = format!("{calls}:signal=KILL:when={when}");
    let mut words = through(trace, files, calls, Some(&kill));
    words.retain(|it| it != "--seccomp-bpf");
    words
}

/// Watches a program that runs already, and kills it as it enters such a call.
pub(crate) fn kill_at(id: u32, files: &[String], calls: &str, when: u64) -> anyhow::Result<Child> {
    let kill = format!("{calls}:signal=KILL:when={when}");
    watch(id, (Path::new("/dev/null"), files), calls, Some(&kill))
}

/// Watches a program that runs already, all of its threads, and does this to its calls. Ends with it.
pub(crate) fn watch(
    id: u32,
    (trace, files): (&Path, &[String]),
    calls: &str,
    inject: Option<&str>,
) -> anyhow::Result<Child> {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-p", &id.to_string(), "-o"]).arg(trace);
    strace.args(files.iter().flat_map(|it| ["-P", it]));
    strace.args(["-e", &format!("trace={calls}")]);
    if let Some(inject) = inject {
        strace.args(["-e", &format!("inject={inject}")]);
    }
    let child = strace.stderr(Stdio::null()).spawn().context("strace is missing")?;
    let end = Stopwatch::start();
    while !is_traced(id)? {
        ensure!(end.elapsed() < ATTACHED_WITHIN, "strace does not attach");
        std::thread::yield_now();
    }
    Ok(child)
}

/// Whether every thread of a process has a tracer (`TracerPid` of proc(5)).
fn is_traced(id: u32) -> anyhow::Result<bool> {
    for thread in std::fs::read_dir(format!("/proc/{id}/task"))? {
        // It may end between being listed and being read.
        let Ok(status) = std::fs::read_to_string(thread?.path().join("status")) else { continue };
        let says = |line: &str| status.lines().any(|it| it.starts_with(line));
        // One that is dead already is traced by nobody any more.
        if says("TracerPid:\t0") && !says("State:\tZ") {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Everything in a data folder that the program may touch, there already or not.
pub(crate) fn files(data: &Path) -> Vec<String> {
    let names = ["leadwire.db", "leadwire.db-wal", "leadwire.db-shm", "leadwire.db-journal", "leadwire.lock"];
    let more = ["secret.key", "local.json", "local.json.new", "local.json.tmp"];
    let mut files = vec![data.display().to_string()];
    files.extend(names.iter().chain(&more).map(|it| data.join(it).display().to_string()));
    files
}

/// Whether a call was made to fail.
pub(crate) fn fired(trace: &Path) -> anyhow::Result<bool> {
    let text = std::fs::read(trace).with_context(|| format!("no trace in {}", trace.display()))?;
    Ok(String::from_utf8_lossy(&text).contains("(INJECTED)"))
}

/// The calls of a trace, each with the most that one thread made of it: strace counts for each thread apart.
pub(crate) fn calls(trace: &Path) -> anyhow::Result<BTreeMap<String, u64>> {
    let text = std::fs::read(trace)?;
    let text = String::from_utf8_lossy(&text);
    let mut counts: HashMap<(&str, &str), u64> = HashMap::new();
    for line in text.lines() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let Some((call, _)) = rest.trim_start().split_once('(') else { continue };
        if !call.is_empty() && call.chars().all(|it| it.is_ascii_alphanumeric() || it == '_') {
            *counts.entry((thread, call)).or_default() += 1;
        }
    }
    let mut most: BTreeMap<String, u64> = BTreeMap::new();
    for ((_, call), count) in counts {
        let seen = most.entry(call.to_owned()).or_default();
        *seen = count.max(*seen);
    }
    Ok(most)
}
