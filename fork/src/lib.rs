//! Tells a process from the one that it was forked from, without a system call: a page of memory that the kernel
//! empties in every child (`MADV_WIPEONFORK`, Linux 4.14) has the process's number.

/// A number that this process has, and none that it descends from: for values that a forked child has inherited
/// and must not use. `None` where the system has no such page; the process's own number (`getpid`), which a later
/// descendant may have again, has to do there.
///
/// A fork is noticed however it was made, raw system calls included. Two children of one process may have the same
/// number; they never see each other's values.
///
/// ```
/// assert_eq!(otls_fork::number(), otls_fork::number());
/// ```
pub fn number() -> Option<u64> {
    page::get().map(number_in)
}

use core::sync::atomic::{AtomicU64, Ordering};

/// The number in the page; 0 is none yet.
fn number_in(page: &AtomicU64) -> u64 {
    /// The last number that this process, or one that it descends from, has given out.
    static LAST: AtomicU64 = AtomicU64::new(0);

    match page.load(Ordering::Acquire) {
        0 => {
            let new = LAST.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
            // Without a lock, which another thread could hold at a fork: of several threads one is first.
            match page.compare_exchange(0, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => new,
                Err(first) => first,
            }
        }
        number => number,
    }
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "a page of its own is the kernel's to give")]
mod page {
    use core::ptr;
    use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

    /// The page of this process and its children; `None` where there is none to be had.
    pub(super) fn get() -> Option<&'static AtomicU64> {
        /// Null before the first call, [`MISSING`] where the kernel has none.
        static PAGE: AtomicPtr<AtomicU64> = AtomicPtr::new(ptr::null_mut());

        let mut page = PAGE.load(Ordering::Acquire);
        if page.is_null() {
            let new = map().unwrap_or(MISSING);
            // Where another thread was faster, ours is left alone: it is one page.
            page = match PAGE.compare_exchange(ptr::null_mut(), new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => new,
                Err(first) => first,
            };
        }
        // SAFETY: a page that `map` made is never unmapped, starts with zeros, which are an AtomicU64, and is
        // aligned to more than that.
        (page != MISSING).then(|| unsafe { &*page })
    }

    /// No page lies there.
    const MISSING: *mut AtomicU64 = ptr::without_provenance_mut(8);

    fn map() -> Option<*mut AtomicU64> {
        let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory of anybody's; `madvise`
        // and `munmap` get nothing but that mapping.
        unsafe {
            // Some emulators take every advice and follow none.
            if libc::madvise(ptr::null_mut(), 0, NO_ADVICE) == 0 {
                return None;
            }
            let page = libc::mmap(ptr::null_mut(), LEN, access, kind, -1, 0);
            if page == libc::MAP_FAILED {
                return None;
            }
            if libc::madvise(page, LEN, libc::MADV_WIPEONFORK) != 0 {
                libc::munmap(page, LEN);
                return None;
            }
            Some(page.cast())
        }
    }

    /// The kernel rounds up to its own size of a page.
    const LEN: usize = 4096;
    const NO_ADVICE: libc::c_int = -1;
}

#[cfg(not(target_os = "linux"))]
mod page {
    use core::sync::atomic::AtomicU64;

    pub(super) fn get() -> Option<&'static AtomicU64> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_page_gets_a_number_that_was_never_there() {
        let page = AtomicU64::new(0);
        let first = number_in(&page);
        assert_eq!(number_in(&page), first);
        page.store(0, Ordering::Relaxed);
        let second = number_in(&page);
        assert!(second > first);
        assert_ne!(number_in(&AtomicU64::new(0)), second);
    }

    #[test]
    fn threads_that_find_it_empty_agree() {
        for _ in 0..100 {
            let page = AtomicU64::new(0);
            let numbers: Vec<u64> = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| number_in(&page))).collect();
                threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
            });
            assert_eq!(numbers, [number_in(&page); 4]);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    #[expect(unsafe_code, reason = "a fork")]
    fn a_forked_process_has_another_number_than_all_before_it() {
        let ours = number();
        assert!(ours.is_some());
        // SAFETY: the child calls nothing that takes a lock, and ends.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let differs = number() != ours && number() == number();
            // SAFETY: no destructor runs in the child.
            unsafe { libc::_exit(i32::from(differs)) }
        }
        let mut status = 0;
        // SAFETY: it writes the status.
        assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
        assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 1, "{status}");
        assert_eq!(number(), ours, "the parent keeps its own");
    }
}
