//! The queue before the writer: bounded, and cheap to push to.
//!
//! Waking a thread costs its waker ten times what a push costs. So the writer, once it has something to do, looks again
//! by itself every [`LINGER`], and is woken only by a job that somebody waits for, by the first job after a pause, and
//! by a full batch. The price: a plain event may be that much younger than what other processes see, and that much is
//! what dies with a killed process. (A channel of the standard library wakes its receiver for every job.)
//!
//! It is bounded twice, by jobs and by bytes, and never blocks a thread that runs other people's tasks: [`Queue::push`]
//! takes a job in any case, and whoever makes many asks [`Queue::room`] first, which waits without a thread. So what
//! is held beyond the bound is one job of each task, not all that they would make.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::channel::oneshot;

use crate::writer::Job;

/// How long the writer lets jobs gather that nobody waits for.
const LINGER: Duration = Duration::from_millis(2);

/// Most jobs in one batch: bounds how long a reader waits for what it asked to be flushed.
const MAX_BATCH: usize = 512;

/// Jobs that may wait. Beyond it there is no room: memory is bounded, and the disk sets the pace.
const MAX_WAITING: usize = 4096;

/// Bytes of theirs that may wait: a few results as large as a result may be, and far less than a run may use.
const MAX_WAITING_BYTES: usize = 64 << 20;

#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    work: Condvar,
    room: Condvar,
}

#[derive(Default)]
struct State {
    /// Each with the bytes that it was counted for.
    jobs: VecDeque<(usize, Job)>,
    /// Bytes of what they write.
    bytes: usize,
    /// Tasks that wait for room.
    hopeful: Vec<oneshot::Sender<()>>,
    /// Somebody waits for a job in the queue.
    urgent: bool,
    /// The writer sleeps until it is woken.
    idle: bool,
    /// No more jobs come, or none are taken any more.
    closed: bool,
}

impl State {
    fn may_linger(&self) -> bool {
        !self.urgent && !self.closed && self.jobs.len() < MAX_BATCH
    }

    fn is_full(&self) -> bool {
        !self.closed && (self.jobs.len() >= MAX_WAITING || self.bytes >= MAX_WAITING_BYTES)
    }

    fn add(&mut self, job: Job) {
        self.urgent |= job.answer.is_some();
        let bytes = job.work.bytes();
        self.bytes = self.bytes.saturating_add(bytes);
        self.jobs.push_back((bytes, job));
    }
}

impl Queue {
    /// Adds a job, at once. False, and the job dropped, if the queue is closed.
    pub(crate) fn push(&self, job: Job) -> bool {
        self.push_locked(self.lock(), job)
    }

    /// Adds a job when there is room; waits for it on this thread.
    pub(crate) fn push_waiting(&self, job: Job) -> bool {
        let mut state = self.lock();
        while state.is_full() {
            state = self
                .room
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        self.push_locked(state, job)
    }

    /// What to wait for until there is room; none if there is.
    pub(crate) fn room(&self) -> Option<oneshot::Receiver<()>> {
        let mut state = self.lock();
        if !state.is_full() {
            return None;
        }
        let (hopeful, waiting) = oneshot::channel();
        state.hopeful.push(hopeful);
        Some(waiting)
    }

    fn push_locked(&self, mut state: MutexGuard<'_, State>, job: Job) -> bool {
        if state.closed {
            return false;
        }
        state.add(job);
        let wake = state.idle || state.urgent || state.jobs.len() == MAX_BATCH;
        drop(state);
        if wake {
            self.work.notify_one();
        }
        true
    }

    /// The next batch, never empty; none when the queue is closed and everything was taken.
    pub(crate) fn take(&self) -> Option<Vec<Job>> {
        let mut state = self.lock();
        loop {
            let gathered = self
                .work
                .wait_timeout_while(state, LINGER, |state| state.may_linger());
            state = gathered.unwrap_or_else(PoisonError::into_inner).0;
            if !state.jobs.is_empty() {
                break;
            }
            if state.closed {
                return None;
            }
            state.idle = true;
            let woken = self
                .work
                .wait_while(state, |state| state.jobs.is_empty() && !state.closed);
            state = woken.unwrap_or_else(PoisonError::into_inner);
            state.idle = false;
        }
        let count = state.jobs.len().min(MAX_BATCH);
        let mut taken = 0usize;
        let batch = state.jobs.drain(..count).map(|(bytes, job)| {
            taken = taken.saturating_add(bytes);
            job
        });
        let batch = batch.collect();
        state.bytes = state.bytes.saturating_sub(taken);
        state.urgent = state.jobs.iter().any(|(_, job)| job.answer.is_some());
        let hopeful = if state.is_full() {
            Vec::new()
        } else {
            std::mem::take(&mut state.hopeful)
        };
        drop(state);
        tell(hopeful);
        self.room.notify_all();
        Some(batch)
    }

    /// Ends the queue. What is in it is still taken.
    pub(crate) fn close(&self) {
        let hopeful = {
            let mut state = self.lock();
            state.closed = true;
            std::mem::take(&mut state.hopeful)
        };
        tell(hopeful);
        self.work.notify_all();
        self.room.notify_all();
    }

    /// Ends the queue and forgets what is in it: whoever waits is told, by the drop of its answer.
    pub(crate) fn abandon(&self) {
        let (jobs, hopeful) = {
            let mut state = self.lock();
            state.closed = true;
            state.bytes = 0;
            (
                std::mem::take(&mut state.jobs),
                std::mem::take(&mut state.hopeful),
            )
        };
        drop(jobs);
        tell(hopeful);
        self.room.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells whoever waits that there is room, or that there will be none.
fn tell(hopeful: Vec<oneshot::Sender<()>>) {
    for waiting in hopeful {
        // It may have given up.
        let _ = waiting.send(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::writer::{Level, Work};

    fn job(bytes: usize) -> Job {
        Job {
            work: Work::test_of(bytes),
            level: Level::Committed,
            answer: None,
        }
    }

    #[test]
    fn a_full_queue_takes_a_job_all_the_same_and_says_when_there_is_room() {
        for jobs in [vec![0; MAX_WAITING], vec![MAX_WAITING_BYTES / 2; 2]] {
            let queue = Queue::default();
            assert!(queue.room().is_none());
            for bytes in jobs {
                assert!(queue.push(job(bytes)));
            }
            let mut room = queue.room().unwrap();
            assert!(queue.push(job(1)), "a push never waits");
            assert_eq!(room.try_recv(), Ok(None));
            while room.try_recv() == Ok(None) {
                assert!(queue.take().is_some());
            }
            assert_eq!(room.try_recv().ok(), None, "it is told once");
            assert!(queue.room().is_none());
        }
    }

    #[test]
    fn nobody_waits_for_room_in_a_queue_that_has_ended() {
        let queue = Queue::default();
        queue.push(job(MAX_WAITING_BYTES));
        let mut room = queue.room().unwrap();
        queue.close();
        assert_eq!(room.try_recv(), Ok(Some(())));
        assert!(queue.room().is_none() && !queue.push_waiting(job(0)));
    }
}
