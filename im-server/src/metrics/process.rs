//! What the system says of this process, under the names that every exporter for Prometheus uses.

use std::{
    fs,
    sync::OnceLock,
    time::{SystemTime, UNIX_EPOCH},
};

use im_core::figures::Figure;

/// What can be found out; on other systems than Linux that is only since when it runs.
pub(super) fn figures() -> impl Iterator<Item = Figure> {
    let started = Figure::level(
        "process_start_time_seconds",
        "When the process began, in seconds since 1970.",
        started(),
    );
    let memory = resident_bytes().map(|bytes| {
        let help = "Memory of the process, in bytes.";
        Figure::level("process_resident_memory_bytes", help, bytes)
    });
    let open = open_files().map(|count| {
        let help = "File descriptors that are open.";
        Figure::level("process_open_fds", help, count)
    });
    let most = most_files().map(|count| {
        let help = "File descriptors that may be open.";
        Figure::level("process_max_fds", help, count)
    });
    [started].into_iter().chain(memory).chain(open).chain(most)
}

/// As this module first saw it, which is at the start.
pub(super) fn started() -> u64 {
    static STARTED: OnceLock<u64> = OnceLock::new();
    *STARTED.get_or_init(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.unwrap_or_default().as_secs()
    })
}

fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

fn open_files() -> Option<u64> {
    let files = fs::read_dir("/proc/self/fd").ok()?;
    // Without the one that this look opens.
    Some((files.count() as u64).saturating_sub(1))
}

fn most_files() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn a_process_uses_memory_and_files() {
        let resident = resident_bytes().expect("Linux tells");
        let (open, most) = (open_files().expect("Linux tells"), most_files());

        assert!(resident > 100_000, "{resident}");
        assert!(open >= 3, "{open}");
        assert!(most.is_none_or(|most| open < most), "{open} of {most:?}");
    }
}
