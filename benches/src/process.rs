//! What the system knows of this process (Linux).

/// The most memory that this process ever had, in bytes (`VmHWM`).
///
/// # Errors
/// Where the system does not tell.
pub fn peak_memory() -> crate::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib * 1024)
}
