//! What the machine gave while the demo ran.

use std::{fs, io::Write as _, path::Path, time::Duration};

use tokio::time::Instant;

/// How long the disk is measured.
const FSYNC_TIME: Duration = Duration::from_millis(500);
/// What one write holds: a page of PostgreSQL's log.
const PAGE_BYTES: usize = 8_192;

/// Durable writes of 8 kB that the disk under this directory takes in a second, one after the other.
pub(crate) async fn fsyncs_per_second(directory: &Path) -> std::io::Result<f64> {
    let mut file = tempfile::tempfile_in(directory)?;
    tokio::task::spawn_blocking(move || {
        let page = [0x6d; PAGE_BYTES];
        let begin = Instant::now();
        let mut count = 0_u32;
        while begin.elapsed() < FSYNC_TIME {
            file.write_all(&page)?;
            file.sync_data()?;
            count += 1;
        }
        Ok(f64::from(count) / begin.elapsed().as_secs_f64())
    })
    .await
    .map_err(std::io::Error::other)?
}

/// The most memory that a process has held, in bytes; none where the system does not say.
pub(crate) fn peak_rss_bytes(pid: u32) -> Option<u64> {
    high_water(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

fn high_water(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_high_water_mark_is_read_in_bytes() {
        assert_eq!(
            high_water("Name:\tmotcua\nVmHWM:\t   98304 kB\nVmRSS:\t1 kB\n"),
            Some(98_304 * 1_024)
        );
        assert_eq!(high_water("Name:\tmotcua\n"), None);
    }

    #[tokio::test]
    async fn the_disk_takes_at_least_one_write() {
        let directory = tempfile::tempdir().unwrap();
        assert!(fsyncs_per_second(directory.path()).await.unwrap() > 0.0);
    }
}
