//! What a thread knows of the pool that it works for, and the pool of its threads.

use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

use super::metrics::Tally;
use super::shared::Shared;
use super::sync::thread_local;
use crate::interrupts::{Hooks, Interrupts};
use crate::pool::Job;

/// One thread of a pool, as others see it.
#[derive(Default)]
pub(super) struct Employee {
    pub(super) tally: Tally,
    /// The pool has been given up: what runs is to end.
    stopping: AtomicBool,
    /// Where the running call was submitted; null while there is none.
    place: AtomicPtr<Location<'static>>,
    /// The running closure, by its address; 0 while there is none.
    closure: AtomicUsize,
    /// Whose it is.
    tenant: AtomicUsize,
    /// What the running call wants done when the pool is given up.
    interrupts: Interrupts,
}

impl Employee {
    pub(super) fn begin(&self, job: &Job, tenant: usize) {
        // ORDERING: Relaxed: for reports. What the place points to is constant, and the closure's address is a number
        // to be compared.
        self.place.store(ptr::from_ref(job.place()).cast_mut(), Ordering::Relaxed);
        self.closure.store(job.address(), Ordering::Relaxed);
        self.tenant.store(tenant, Ordering::Relaxed);
    }

    pub(super) fn end(&self) {
        // ORDERING: Relaxed, as in `begin`.
        self.place.store(ptr::null_mut(), Ordering::Relaxed);
        self.closure.store(0, Ordering::Relaxed);
    }

    /// The running closure, by its address, and whose it is.
    pub(super) fn closure(&self) -> Option<(usize, usize)> {
        // ORDERING: Relaxed, as in `begin`.
        let closure = self.closure.load(Ordering::Relaxed);
        (closure != 0).then(|| (closure, self.tenant.load(Ordering::Relaxed)))
    }

    #[expect(unsafe_code, reason = "std has no atomic place for a `&'static T`")]
    pub(super) fn place(&self) -> Option<&'static Location<'static>> {
        // SAFETY: null, or made of a `&'static` reference by `begin`.
        unsafe { self.place.load(Ordering::Relaxed).as_ref() }
    }

    /// Tells it to end. Whether it had not been told before.
    pub(super) fn stop(&self) -> bool {
        // ORDERING: Relaxed: it is advice, and publishes nothing.
        let before = self.stopping.swap(true, Ordering::Relaxed);
        self.interrupts.fire();
        !before
    }

    pub(super) fn is_told_to_end(&self) -> bool {
        // ORDERING: Relaxed, see `stop`.
        self.stopping.load(Ordering::Relaxed)
    }
}

/// A thread's post.
pub(super) struct Post {
    pub(super) shared: Arc<Shared>,
    pub(super) employee: Arc<Employee>,
}

thread_local! {
    static POST: RefCell<Option<Post>> = const { RefCell::new(None) };
    /// Whose job this thread is running; `None` while it runs none.
    static TENANT: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Takes or leaves a post; gives back the one before, which may hold the last handle of its pool's state.
pub(super) fn set_post(post: Option<Post>) -> Option<Post> {
    POST.try_with(|place| place.replace(post)).ok().flatten()
}

/// Notes whose job this thread runs, and gives back what was noted before.
pub(super) fn set_tenant(tenant: Option<usize>) -> Option<usize> {
    TENANT.with(|place| place.replace(tenant))
}

/// Whose job this thread runs; `None` in a hook, for one, where its pool does not count it as busy.
pub(super) fn tenant() -> Option<usize> {
    TENANT.with(Cell::get)
}

fn with_post<R>(use_it: impl FnOnce(&Post) -> R) -> Option<R> {
    POST.try_with(|post| post.borrow().as_ref().map(use_it)).ok().flatten()
}

/// Whether this code runs on one of the pool's own threads.
pub(super) fn is_own_thread(shared: &Arc<Shared>) -> bool {
    employer().is_some_and(|employer| Arc::ptr_eq(&employer, shared))
}

/// The address of the pool that this thread works for; 0 for none.
pub(crate) fn employer_address() -> usize {
    with_post(|post| Arc::as_ptr(&post.shared).addr()).unwrap_or(0)
}

/// The pool that this thread works for.
pub(super) fn employer() -> Option<Arc<Shared>> {
    with_post(|post| post.shared.clone())
}

/// Whether the pool of this thread was given up by a shutdown whose time was up.
pub(crate) fn is_stopping() -> bool {
    with_post(|post| post.employee.is_told_to_end()).unwrap_or(false)
}

/// The same of the pool that has given this thread the job at this address; not for one that is run in place, inside a call of that
/// pool.
pub(crate) fn is_stopping_job(address: usize) -> bool {
    // ORDERING: Relaxed: this thread's own note.
    let is_own = |post: &Post| post.employee.closure.load(Ordering::Relaxed) == address;
    with_post(|post| is_own(post) && post.employee.is_told_to_end()).unwrap_or(false)
}

/// Runs the closure at this address inside a job of this thread's: for the books, it is what the thread runs meanwhile.
pub(crate) fn running_inside(closure: usize, run: impl FnOnce()) {
    // ORDERING: Relaxed, as in `Employee::begin`.
    let exchange = |closure| with_post(|post| post.employee.closure.swap(closure, Ordering::Relaxed));
    let outer = exchange(closure);
    run();
    if let Some(outer) = outer {
        exchange(outer);
    }
}

/// Has the hooks of a call that this thread runs called when the pool is given up.
pub(crate) fn add_interrupt(hooks: &Arc<Hooks>) {
    with_post(|post| post.employee.interrupts.add(hooks.clone()));
}

/// After the end of that call.
pub(crate) fn remove_interrupt(hooks: &Arc<Hooks>) {
    with_post(|post| post.employee.interrupts.remove(hooks));
}
