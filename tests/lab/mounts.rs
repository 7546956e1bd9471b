//! Files that only the test and its children see: the test's mount namespace is
//! its own.
#![expect(unsafe_code, reason = "mount(2) exists only in libc")]

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

/// Shows a file in the place of another, under whose name it can be run.
pub(super) fn show(file: &Path, at: &Path) -> io::Result<()> {
    let path = |path: &Path| CString::new(path.as_os_str().as_bytes());
    let (file, at) = (path(file)?, path(at)?);
    // SAFETY: the strings are NUL-terminated, and null is allowed for the type
    // and the data of a bind mount.
    let result = unsafe {
        libc::mount(
            file.as_ptr(),
            at.as_ptr(),
            ptr::null(),
            libc::MS_BIND,
            ptr::null(),
        )
    };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Puts an empty directory in the place of one that exists. Skips the test
/// where that is not allowed.
pub fn hide(directory: &str) {
    let path = CString::new(directory).expect("no NUL");
    // SAFETY: the strings are NUL-terminated, and null is allowed for the data.
    let result = unsafe {
        libc::mount(
            c"tmpfs".as_ptr(),
            path.as_ptr(),
            c"tmpfs".as_ptr(),
            0,
            ptr::null(),
        )
    };
    if result != 0 {
        super::skip(format_args!(
            "nothing can be mounted at {directory}: {}",
            io::Error::last_os_error()
        ));
    }
}
