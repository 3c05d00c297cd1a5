//! Sequences that told something and are seldom drawn. They are kept as calls, not as seeds: a seed means another
//! sequence as soon as anything changes in how they are drawn.

use tubeatlas_domain::{Channel, MediaFile, ProcessingTaskId};
use tubeatlas_ports::{MAX_LEASE_MS, Mode};

use super::call::{At, Call, Expected, Lent, On, Step, TaskCall, Write};
use super::draws::Focus;
use crate::fixtures::{a_channel, a_media_file, a_task_with, a_video, uuid};

/// The sequences of this focus, each with what it once showed.
pub(super) fn regressions(focus: Focus) -> Vec<(&'static str, Vec<Step>)> {
    let on_store = |call| Step::call(At::Store, call);
    let task = |call| on_store(Call::Task(call));
    let enqueue = |n| task(TaskCall::Enqueue(a_task_with(|t| t.id = ProcessingTaskId::new(uuid(n)))));
    let claim = || task(TaskCall::Claim(None, 1_000));
    let last = Lent { claim: 0, task: None };
    let file = |write: Write<MediaFile>| on_store(Call::MediaFiles(On::Write(write)));
    let channel = |write: Write<Channel>| Call::Channels(On::Write(write));
    match focus {
        Focus::Catalogue => vec![(
            "a conflict of delete names the revision that was demanded as the actual one",
            vec![
                on_store(Call::Videos(On::Write(Write::Create(a_video())))),
                file(Write::Create(a_media_file())),
                file(Write::Delete(a_media_file().id, Expected::Seen(1))),
            ],
        )],
        Focus::Units => vec![(
            "what is rolled back is kept",
            vec![
                Step::Begin(Mode::ReadWrite),
                Step::call(At::Unit(Mode::ReadWrite), channel(Write::Create(a_channel()))),
                Step::Rollback(Mode::ReadWrite),
                on_store(channel(Write::Create(a_channel()))),
            ],
        )],
        Focus::Tasks => vec![
            (
                "a heartbeat with the token of an earlier claim is accepted",
                vec![
                    enqueue(2_000),
                    claim(),
                    Step::Clock(1_000),
                    claim(),
                    task(TaskCall::Heartbeat(Lent { claim: 1, task: None }, MAX_LEASE_MS)),
                ],
            ),
            (
                "a task that has succeeded is tried again",
                vec![
                    enqueue(2_000),
                    claim(),
                    task(TaskCall::Complete(last)),
                    task(TaskCall::Retry(ProcessingTaskId::new(uuid(2_000)))),
                ],
            ),
        ],
        Focus::Pages | Focus::Searches => Vec::new(),
    }
}
