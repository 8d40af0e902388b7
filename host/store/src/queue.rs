//! The queue before the writer: bounded, and cheap to push to.
//!
//! Waking a thread costs its waker ten times what a push costs. So the writer, once it has something to do, looks again
//! by itself every [`LINGER`], and is woken only by a job that somebody waits for, by the first job after a pause, and
//! by a full batch. The price: a plain event may be that much younger than what other processes see, and that much is
//! what dies with a killed process. (A channel of the standard library wakes its receiver for every job.)

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::writer::Job;

/// How long the writer lets jobs gather that nobody waits for.
const LINGER: Duration = Duration::from_millis(2);

/// Most jobs in one batch: bounds how long a reader waits for what it asked to be flushed.
const MAX_BATCH: usize = 512;

/// Jobs that may wait. Beyond it a push waits: memory is bounded, and the disk sets the pace.
const MAX_WAITING: usize = 4096;

#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    work: Condvar,
    room: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
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
}

impl Queue {
    /// Adds a job. False, and the job dropped, if the queue is closed.
    pub(crate) fn push(&self, job: Job) -> bool {
        let mut state = self.lock();
        while state.jobs.len() >= MAX_WAITING && !state.closed {
            state = self
                .room
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.closed {
            return false;
        }
        state.urgent |= job.answer.is_some();
        state.jobs.push_back(job);
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
        let batch = state.jobs.drain(..count).collect();
        state.urgent = state.jobs.iter().any(|job| job.answer.is_some());
        drop(state);
        self.room.notify_all();
        Some(batch)
    }

    /// Ends the queue. What is in it is still taken.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.work.notify_all();
        self.room.notify_all();
    }

    /// Ends the queue and forgets what is in it: whoever waits is told, by the drop of its answer.
    pub(crate) fn abandon(&self) {
        let jobs = {
            let mut state = self.lock();
            state.closed = true;
            std::mem::take(&mut state.jobs)
        };
        drop(jobs);
        self.room.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
