//! `tubeatlas videos`

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;
use tubeatlas_domain::{ChannelId, Timestamp, Video, VideoId};
use tubeatlas_ports::{Store, Stored, VideoFilter, VideoOrder};

use super::Context;
use super::list::{Deleted, Paging, WithDeleted, get, list, word};
use super::output::{Output, fields, one_line, time};
use crate::dates::date_or_time;
use crate::error::AppError;

#[derive(Debug, Subcommand)]
pub(super) enum Videos {
    /// List them
    List(List),
    /// Show one
    Show {
        /// Its id
        #[arg(allow_hyphen_values = true)]
        id: VideoId,
        #[command(flatten)]
        with_deleted: WithDeleted,
    },
    /// Hide one, with all that hangs on it; an import leaves it hidden
    Delete {
        /// Its id
        #[arg(allow_hyphen_values = true)]
        id: VideoId,
    },
    /// Bring a deleted one back, with all that hangs on it
    Restore {
        /// Its id
        #[arg(allow_hyphen_values = true)]
        id: VideoId,
    },
    /// Remove one for good, deleted or not, with its transcripts, graphs and media files
    Purge {
        /// Its id
        #[arg(allow_hyphen_values = true)]
        id: VideoId,
    },
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Only those of this channel
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    channel: Option<ChannelId>,
    /// Only those published at this time or later: 2021-11-11 or 2021-11-11T09:00:00Z
    #[arg(long, value_name = "TIME", value_parser = date_or_time)]
    from: Option<Timestamp>,
    /// Only those published before this time
    #[arg(long, value_name = "TIME", value_parser = date_or_time)]
    before: Option<Timestamp>,
    #[command(flatten)]
    deleted: Deleted,
    #[arg(long, value_name = "newest|oldest|id", default_value = "newest", value_parser = word::<VideoOrder>)]
    order: VideoOrder,
    #[command(flatten)]
    paging: Paging,
}

impl Videos {
    pub(super) async fn run(self, context: &Context<'_>) -> Result<ExitCode, AppError> {
        context.with_catalogue(async |store| self.run_on(store, context.output).await).await
    }

    async fn run_on(self, store: &dyn Store, output: &Output) -> Result<ExitCode, AppError> {
        let videos = store.videos();
        match self {
            Self::List(it) => {
                let filter = VideoFilter {
                    channel_id: it.channel,
                    published_from: it.from,
                    published_before: it.before,
                    visibility: it.deleted.visibility(),
                };
                return list(output, videos, &filter, (it.order, it.paging), |it| it, line).await;
            }
            Self::Show { id, with_deleted } => {
                show(output, &get(videos, &id, with_deleted.visibility()).await?)?;
            }
            Self::Delete { id } => {
                videos.delete(&id, None).await?;
                output.show(&json!({"deleted": id}), |_| format!("deleted {id}"))?;
            }
            Self::Restore { id } => show(output, &videos.restore(&id).await?)?,
            Self::Purge { id } => {
                videos.purge(&id, None).await?;
                output.show(&json!({"purged": id}), |_| format!("purged {id}"))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn show(output: &Output, video: &Stored<Video>) -> Result<(), AppError> {
    output.show(video, |it| fields(it, &["title", "id", "channel_id", "url", "published_at", "duration_ms"]))
}

fn line(video: &Stored<Video>) -> String {
    let date =
        video.published_at.map_or_else(|| "-".to_owned(), |at| at.to_string().chars().take(10).collect());
    let length = video.duration_ms.map_or_else(|| "-".to_owned(), time);
    let deleted = if video.deleted_at.is_some() { "  (deleted)" } else { "" };
    format!("{}  {date:<10}  {length:>8}  {}{deleted}", video.entity.id, one_line(&video.title))
}
