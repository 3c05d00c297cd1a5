//! Tasks as they go on, as server-sent events
//! ([WHATWG](https://html.spec.whatwg.org/multipage/server-sent-events.html)).
//!
//! Each event is `event: task` with the task as JSON; what cannot be read any more is `event: problem`, and is the last.
//! The store is asked every half second, so that what other processes do is seen as well.

use std::collections::HashMap;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing;
use futures::stream::{self, Stream, StreamExt};
use tubeatlas_domain::{ProcessingTask, ProcessingTaskId, TaskStatus};
use tubeatlas_ports::{
    PageRequest, ProcessingTaskFilter, ProcessingTaskOrder, Result as StoreResult, Revision, Stored,
    Visibility,
};
use utoipa::PartialSchema;
use utoipa::openapi::HttpMethod;
use utoipa_axum::router::OpenApiRouter;

use super::openapi::{Describe, Description};
use super::params::Segments;
use super::resource::find;
use super::{ApiError, Service};
use crate::view::TaskView;

/// How often the store is asked.
const PERIOD: Duration = Duration::from_millis(500);

/// The most unfinished tasks that are followed at once.
const MAX_FOLLOWED: u32 = 100;

/// What events are called: a task, or what is wrong.
const EVENTS: [&str; 2] = ["task", "problem"];

/// What is followed, and what was said of it.
struct Following {
    service: Service,
    /// One task, or all that are not finished.
    only: Option<ProcessingTaskId>,
    said: HashMap<ProcessingTaskId, Revision>,
    is_first: bool,
}

impl Following {
    fn new(service: Service, only: Option<ProcessingTaskId>) -> Self {
        Self { service, only, said: HashMap::new(), is_first: true }
    }

    /// Waits, and tells what has changed; `None` at the end.
    async fn next(mut self) -> Option<(Vec<Event>, Option<Self>)> {
        if !std::mem::take(&mut self.is_first) {
            let mut closing = self.service.closing.subscribe();
            tokio::select! {
                () = tokio::time::sleep(PERIOD) => (),
                _ = closing.wait_for(|closing| *closing) => return None,
            }
        }
        if *self.service.closing.borrow() {
            return None;
        }
        match self.look().await {
            Ok(tasks) => {
                let ended = self.only.is_some() && tasks.first().is_none_or(|task| task.status.is_finished());
                let events = self.news(tasks);
                Some((events, (!ended).then_some(self)))
            }
            Err(error) => {
                let problem = ApiError::from(error);
                let event = Event::default().event(EVENTS[1]).json_data(problem.problem());
                Some((event.into_iter().collect(), None))
            }
        }
    }

    async fn look(&self) -> StoreResult<Vec<Stored<ProcessingTask>>> {
        let tasks = self.service.store.processing_tasks();
        if let Some(id) = &self.only {
            return Ok(tasks.get(id, Visibility::Live).await?.into_iter().collect());
        }
        let mut found = Vec::new();
        for status in [TaskStatus::Running, TaskStatus::Pending] {
            let filter = ProcessingTaskFilter { status: Some(status), ..ProcessingTaskFilter::default() };
            let page = PageRequest { order: ProcessingTaskOrder::Newest, limit: MAX_FOLLOWED, after: None };
            found.extend(tasks.list(&filter, &page).await?.items);
        }
        // Those that were followed, and are finished now, are told of once more.
        let gone: Vec<ProcessingTaskId> =
            self.said.keys().filter(|id| !found.iter().any(|task| task.entity.id == **id)).copied().collect();
        for ids in gone.chunks(tubeatlas_ports::MAX_BATCH) {
            found.extend(tasks.get_many(ids, Visibility::Live).await?.into_iter().flatten());
        }
        Ok(found)
    }

    fn news(&mut self, tasks: Vec<Stored<ProcessingTask>>) -> Vec<Event> {
        let mut events = Vec::new();
        for task in tasks {
            let (id, revision) = (task.entity.id, task.revision);
            let is_finished = task.status.is_finished();
            if self.said.insert(id, revision) != Some(revision) {
                let event = Event::default().event(EVENTS[0]).id(revision.to_string());
                events.extend(event.json_data(task.map(TaskView::from)));
            }
            if is_finished {
                self.said.remove(&id);
            }
        }
        events
    }
}

type Events = Sse<
    axum::response::sse::KeepAliveStream<
        std::pin::Pin<Box<dyn Stream<Item = Result<Event, Infallible>> + Send>>,
    >,
>;

fn events(following: Following) -> Events {
    let batches = stream::unfold(Some(following), |following| async { following?.next().await });
    let events = batches.flat_map(|events| stream::iter(events.into_iter().map(Ok))).boxed();
    Sse::new(events).keep_alive(KeepAlive::default())
}

async fn of_one(State(service): State<Service>, Segments(id): Segments<String>) -> Result<Events, ApiError> {
    let id = id.parse()?;
    find(service.store.processing_tasks(), &id).await?;
    Ok(events(Following::new(service, Some(id))))
}

async fn of_all(State(service): State<Service>) -> Events {
    events(Following::new(service, None))
}

pub(super) fn routes() -> OpenApiRouter<Service> {
    let one = Description::new("tasks", "followTask", "A task as it goes on, until it is finished")
        .with_id(ProcessingTaskId::schema)
        .events("`task`, whose data is the task as JSON; or `problem` at the end", EVENTS);
    let all = Description::new("tasks", "followTasks", "All unfinished tasks as they go on")
        .events("`task`, whose data is a task as JSON; or `problem` at the end", EVENTS);
    OpenApiRouter::new().describe("/tasks/events", HttpMethod::Get, all, routing::get(of_all)).describe(
        "/tasks/{id}/events",
        HttpMethod::Get,
        one,
        routing::get(of_one),
    )
}
