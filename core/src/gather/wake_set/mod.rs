//! Which children of a gather were woken: a bit each, and a waker each that is nothing but an address.
//!
//! ```text
//! one allocation:  Header | Block 0 | Block 1 | ..
//!                  |        woken: a bit a child; wakers: a count; next: the list of woken blocks
//!                  head of that list; the parent's waker; how many blocks are in use
//! ```
//!
//! A block begins at a multiple of 64 and its children are numbered by the low bits of addresses inside it, so
//! that the data of a waker is block and child at once. To clone such a waker is to count it in its block.
//!
//! - **Wake**: set the bit. Who set the first one of its block puts the block on the list; who put the first
//!   block there wakes the parent. So however many children are woken, the parent is woken once.
//! - **Poll**: take the list, and from each block its bits. Only the poller takes, and it takes all, so the
//!   list knows no ABA problem.
//! - **Wake by the child that is being polled**, or by one of its block: note the bit. The poller sets all that were noted
//!   at once, when it is through with the block; see [`Polling`].
//! - **End**: the set counts as a waker in every block. The last waker of a block lets go of the block, the last
//!   block of the allocation. Wakers may therefore be called, cloned and dropped when the gather is long
//!   gone, on any thread, and two of different blocks share no count.
#![expect(
    unsafe_code,
    reason = "one allocation for all wakers, addressed by them: a measured third of an `Arc` each"
)]

#[cfg(all(test, loom))]
mod models;
mod parent;
mod polling;
mod sync;
mod waker;

use std::alloc::Layout;
use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::{self, NonNull};
use std::task::Waker;

use parent::Parent;
pub(super) use polling::Polling;
pub(crate) use polling::is_polling_many;
use sync::{AtomicPtr, AtomicUsize, Ordering, Uses, alloc, dealloc, fence};
use waker::VTABLE;

/// Children of a block: as many as a word has bits.
const PER_BLOCK: usize = usize::BITS as usize;

#[repr(C, align(64))]
struct Header {
    /// The blocks with a child that was woken, the last one first.
    head: AtomicPtr<Block>,
    parent: Parent,
    /// Blocks that the set or a waker still counts on.
    in_use: AtomicUsize,
    /// Blocks in all.
    blocks: usize,
    /// How far behind the allocation's beginning this is.
    shift: usize,
}

/// What the allocation is aligned to. Allocators have a fast way for this, and a much slower one for 64.
const ALIGN: usize = 16;
/// So much room more that a header finds its place.
const SLACK: usize = align_of::<Header>() - ALIGN;

#[repr(C, align(64))]
struct Block {
    /// A bit for each child that was woken and not handed out since. While it is not zero, the block is on the list,
    /// or on its way there, or taken from it by the poller.
    woken: AtomicUsize,
    /// This block's wakers, and one more for the set itself.
    wakers: AtomicUsize,
    /// Bits of children that were woken by this block's poller while it polls here. Its alone, until it sets them in `woken`.
    noted: AtomicUsize,
    next: AtomicPtr<Block>,
    number: usize,
    /// With which child to begin when this block is the first one: the one behind the last first one. The poller's alone.
    first: Cell<usize>,
    /// For the models: all uses come before the end.
    uses: Uses,
}

const _: () = assert!(align_of::<Block>() >= PER_BLOCK && align_of::<Header>() >= align_of::<Block>());

/// The poller's side. All children are woken to begin with.
pub(super) struct WakeSet {
    header: NonNull<Header>,
    /// Taken off the list, and not looked into yet.
    chain: *mut Block,
    /// The last block that was opened; null before the first.
    open: *const Block,
    /// Taken out of it, and not handed out yet.
    woken: Woken,
    /// The block that was the first one the last time, and whether the next one will be the first.
    led: usize,
    leads: bool,
}

// SAFETY: what it points to is made for many threads: atomics, and `Parent`. The chain is the
// poller's alone, as is each block's `first`, and moves with it.
unsafe impl Send for WakeSet {}
// SAFETY: as above; `&WakeSet` reads nothing that is not shared anyway, and hands out wakers, which are `Sync`.
unsafe impl Sync for WakeSet {}

/// Children of a block that were woken. They come one by one, beginning with the one behind the block's last first one.
pub(super) struct Woken {
    /// Bits that come first, and those that stand before them in the block and come later.
    bits: usize,
    later: usize,
    /// The child that the block begins with.
    base: usize,
}

impl Iterator for Woken {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        if self.bits == 0 {
            if self.later == 0 {
                return None;
            }
            self.bits = std::mem::take(&mut self.later);
        }
        let bit = self.bits.trailing_zeros() as usize;
        self.bits &= self.bits - 1;
        Some(self.base + bit)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.bits.count_ones() + self.later.count_ones()) as usize;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Woken {}

impl Woken {
    const NONE: Self = Self { bits: 0, later: 0, base: 0 };

    fn is_empty(&self) -> bool {
        self.bits == 0 && self.later == 0
    }
}

/// One child's waker, lent: it is counted when it is cloned.
pub(super) struct Lent<'a> {
    waker: ManuallyDrop<Waker>,
    set: std::marker::PhantomData<&'a WakeSet>,
}

impl Deref for Lent<'_> {
    type Target = Waker;

    #[inline]
    fn deref(&self) -> &Waker {
        &self.waker
    }
}

impl WakeSet {
    /// For this many children.
    pub(super) fn new(children: usize) -> Self {
        let blocks = children.div_ceil(PER_BLOCK).max(1);
        let layout = layout(blocks);
        // SAFETY: a header is not of size zero.
        let Some(memory) = NonNull::new(unsafe { alloc(layout) }) else {
            std::alloc::handle_alloc_error(layout)
        };
        let shift = memory.as_ptr().align_offset(align_of::<Header>());
        assert!(shift <= SLACK, "memory is aligned as it was asked for");
        // SAFETY: the allocation has room for that much more than a header and then `blocks` blocks, aligned for both (see
        // `layout`), and nobody else knows it yet.
        let header = unsafe { memory.add(shift).cast::<Header>() };
        // SAFETY: as above.
        unsafe {
            header.write(Header {
                head: AtomicPtr::new(ptr::null_mut()),
                parent: Parent::new(),
                in_use: AtomicUsize::new(blocks),
                blocks,
                shift,
            });
            for number in 0..blocks {
                let last = number + 1 == blocks;
                let inside = if last { children - number * PER_BLOCK } else { PER_BLOCK };
                block(header, number).write(Block {
                    woken: AtomicUsize::new(usize::MAX.checked_shr((PER_BLOCK - inside) as u32).unwrap_or(0)),
                    wakers: AtomicUsize::new(1),
                    noted: AtomicUsize::new(0),
                    next: AtomicPtr::new(if last {
                        ptr::null_mut()
                    } else {
                        block(header, number + 1).as_ptr()
                    }),
                    number,
                    first: Cell::new(0),
                    uses: Uses::new(),
                });
            }
        }
        Self {
            header,
            chain: block(header, 0).as_ptr(),
            open: ptr::null(),
            woken: Woken::NONE,
            led: 0,
            leads: true,
        }
    }

    fn header(&self) -> &Header {
        // SAFETY: it lives as long as one block is in use, and the set uses all of them.
        unsafe { self.header.as_ref() }
    }

    /// The waker of this child.
    #[inline]
    pub(super) fn waker(&self, child: usize) -> Lent<'_> {
        debug_assert!(child < self.header().blocks * PER_BLOCK);
        let data =
            block(self.header, child / PER_BLOCK).as_ptr().cast::<()>().wrapping_byte_add(child % PER_BLOCK);
        // SAFETY: the address is that of a child, in a block in which the set counts as a waker for longer than
        // this one is lent; and it is never dropped. `VTABLE` keeps the rules of `RawWakerVTable`.
        let waker = unsafe { Waker::new(data, &VTABLE) };
        Lent { waker: ManuallyDrop::new(waker), set: std::marker::PhantomData }
    }

    /// The children that were woken are about to be polled.
    #[inline]
    pub(super) fn poll(&mut self) -> Polling<'_> {
        Polling::new(self)
    }

    /// The next child that was woken before the last [`collect`](Self::collect), each once.
    #[inline]
    fn next(&mut self) -> Option<usize> {
        let woken = self.woken.next();
        if woken.is_some() {
            return woken;
        }
        self.open_next_block()?;
        self.woken.next()
    }

    /// The same, all that are left of a block at once.
    #[inline]
    fn next_block(&mut self) -> Option<Woken> {
        if self.woken.is_empty() {
            self.open_next_block()?;
        }
        Some(std::mem::replace(&mut self.woken, Woken::NONE))
    }

    fn open_next_block(&mut self) -> Option<()> {
        // SAFETY: what is in the chain are blocks of this set.
        let block = unsafe { self.chain.as_ref() }?;
        self.publish();
        block.uses.one();
        self.open = block;
        polling::go_on_to(block);
        // ORDERING: Relaxed: it is the poller's since the list was taken, and nobody puts the block on the list
        // again before they have seen the zero that is written next.
        self.chain = block.next.load(Ordering::Relaxed);
        // ORDERING: AcqRel pairs with the `fetch_or` in `wake`: what was written before a wake is seen by the
        // poll that follows, and whoever sees the zero also sees that `next` was read.
        let bits = block.woken.swap(0, Ordering::AcqRel);
        let first = bits & (usize::MAX << block.first.get());
        self.woken = Woken { bits: first, later: bits & !first, base: block.number * PER_BLOCK };
        if std::mem::take(&mut self.leads) {
            let leader = if first == 0 { bits } else { first }.trailing_zeros() as usize;
            block.first.set((leader + 1) % PER_BLOCK);
        }
        Some(())
    }

    /// Wakes the children that were noted in the open block. The parent is not told: it is who polls.
    #[inline]
    fn publish(&self) {
        // SAFETY: null, or a block of this set.
        let Some(block) = (unsafe { self.open.as_ref() }) else { return };
        // ORDERING: Relaxed: only who polls has to do with it.
        let noted = block.noted.load(Ordering::Relaxed);
        if noted != 0 {
            block.noted.store(0, Ordering::Relaxed);
            self.header().wake(block, noted);
        }
    }

    /// Takes those woken since the last time, once all from before were handed out.
    pub(super) fn collect(&mut self) {
        if !self.woken.is_empty() || !self.chain.is_null() {
            return;
        }
        // ORDERING: Acquire pairs with the Release in `put_on_list`: the `next` of all blocks is seen.
        let mut block = self.header().head.swap(ptr::null_mut(), Ordering::Acquire);
        let mut chain = ptr::null_mut();
        let (blocks, led) = (self.header().blocks, self.led);
        let behind_led = |number: usize| if number > led { number - led } else { number + blocks - led };
        // First come, first served; but the first of all is, in turn, each block that is here. On tokio the first
        // children of a poll can use up the budget of all, and would do so for ever.
        let mut leader: Option<&Block> = None;
        // SAFETY: what is on the list are blocks of this set.
        while let Some(this) = unsafe { block.as_ref() } {
            // ORDERING: Relaxed, as in `open_next_block`.
            block = this.next.load(Ordering::Relaxed);
            let follower = match leader {
                Some(first) if behind_led(first.number) < behind_led(this.number) => Some(this),
                _ => leader.replace(this),
            };
            if let Some(follower) = follower {
                follower.next.store(chain, Ordering::Relaxed);
                chain = ptr::from_ref(follower).cast_mut();
            }
        }
        if let Some(leader) = leader {
            // ORDERING: Relaxed, as above.
            leader.next.store(chain, Ordering::Relaxed);
            (self.led, self.leads) = (leader.number, true);
            chain = ptr::from_ref(leader).cast_mut();
        }
        self.chain = chain;
    }

    /// Called before the poller says that it is pending: sees to it that `parent` is woken as soon as a child is, or
    /// has been already.
    fn rest(&self, parent: &Waker) {
        let header = self.header();
        let someone = || {
            // ORDERING: Acquire, so that it is not looked at before `register` below has taken place. What is on
            // the list is taken with an Acquire of its own.
            !header.head.load(Ordering::Acquire).is_null()
        };
        if !self.chain.is_null() || !self.woken.is_empty() || someone() {
            parent.wake_by_ref();
        } else if !header.parent.register(parent) {
            // It was told of a wake meanwhile.
            parent.wake_by_ref();
        } else if someone() {
            // They may have come before the parent's waker was there to be found.
            header.parent.wake();
        }
    }
}

impl Drop for WakeSet {
    fn drop(&mut self) {
        let header = self.header();
        // Wakers that outlive the gather do not keep its task.
        let parent = header.parent.take();
        let blocks = header.blocks;
        let mut unused = 0;
        for number in 0..blocks {
            // SAFETY: the block is there until the set has let go of the last one, below.
            let block = unsafe { block(self.header, number).as_ref() };
            // ORDERING: Release, as in `release`.
            if block.wakers.fetch_sub(1, Ordering::Release) == 1 {
                unused += 1;
            }
        }
        // SAFETY: the set counted on those blocks, and looks at none of them any more.
        unsafe { let_go(self.header, unused) };
        crate::catch::drop_quietly(parent);
    }
}

fn layout(blocks: usize) -> Layout {
    let both = Layout::array::<Block>(blocks).and_then(|blocks| Layout::new::<Header>().extend(blocks));
    let Ok((layout, start)) = both else { panic!("too many children for the address space") };
    debug_assert_eq!(start, size_of::<Header>());
    let Some(Ok(layout)) = layout.size().checked_add(SLACK).map(|size| Layout::from_size_align(size, ALIGN))
    else {
        panic!("too many children for the address space")
    };
    layout
}

/// Where a block is; it need not be there.
#[inline]
fn block(header: NonNull<Header>, number: usize) -> NonNull<Block> {
    // Derived from the pointer to all of it, so that it may lead back there.
    let first = header.as_ptr().wrapping_add(1).cast::<Block>();
    // SAFETY: the address of something behind a header is not zero.
    unsafe { NonNull::new_unchecked(first.wrapping_add(number)) }
}

/// Gives the memory back if these blocks were the last ones in use.
///
/// # Safety
///
/// The caller had brought the count of as many blocks down to zero, and looks at no block any more.
unsafe fn let_go(header: NonNull<Header>, blocks: usize) {
    // Even without any: the header must not be looked at then.
    if blocks == 0 {
        return;
    }
    // ORDERING: Acquire pairs with the Release of whoever brought a block's count down before: it is handed on
    // by the Release of the next line.
    fence(Ordering::Acquire);
    // SAFETY: these blocks are still counted in `in_use`, so it is there.
    // ORDERING: Release, so that all uses come before the end.
    let before = unsafe { header.as_ref() }.in_use.fetch_sub(blocks, Ordering::Release);
    if before != blocks {
        return;
    }
    // ORDERING: Acquire pairs with the Release of the line above, in the other threads.
    fence(Ordering::Acquire);
    // SAFETY: nothing is in use any more, so that nobody else has a pointer that they may use. Each part was
    // written in `new`, and the layout is that of `new`.
    unsafe {
        let layout = layout(header.as_ref().blocks);
        let memory = header.cast::<u8>().sub(header.as_ref().shift);
        for number in 0..header.as_ref().blocks {
            block(header, number).as_ref().uses.end();
            block(header, number).drop_in_place();
        }
        header.drop_in_place();
        dealloc(memory.as_ptr(), layout);
    }
}

impl Header {
    /// Sets the bits of children of this block. Whether somebody has to wake the parent.
    #[inline]
    fn wake(&self, block: &Block, bits: usize) -> bool {
        // ORDERING: AcqRel pairs with the swap in `open_next_block`: see there.
        // If it was not zero, who set the first bit sees to the rest, or the poller has not looked into the block yet.
        block.woken.fetch_or(bits, Ordering::AcqRel) == 0 && self.put_on_list(block)
    }

    /// Whether the list was empty.
    fn put_on_list(&self, block: &Block) -> bool {
        let this = ptr::from_ref(block).cast_mut();
        // ORDERING: Relaxed: the exchange decides.
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            // ORDERING: Relaxed: published by the exchange.
            block.next.store(head, Ordering::Relaxed);
            // ORDERING: Release pairs with the Acquire in `collect`.
            match self.head.compare_exchange_weak(head, this, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return head.is_null(),
                Err(now) => head = now,
            }
        }
    }
}
