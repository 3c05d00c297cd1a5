//! `tubeatlas playlists`

use std::process::ExitCode;

use clap::Subcommand;
use tubeatlas_domain::{ChannelId, PlaylistId, PlaylistSummary, VideoId};
use tubeatlas_ports::{PlaylistFilter, PlaylistOrder, Stored};

use super::Context;
use super::list::{Deleted, Paging, WithDeleted, get, list, word};
use super::output::{fields, one_line};
use crate::error::AppError;

#[derive(Debug, Subcommand)]
pub(super) enum Playlists {
    /// List them
    List {
        /// Only those of this channel
        #[arg(long, value_name = "ID", allow_hyphen_values = true)]
        channel: Option<ChannelId>,
        /// Only those that hold this video
        #[arg(long, value_name = "ID", allow_hyphen_values = true)]
        video: Option<VideoId>,
        #[arg(long, value_name = "title|id", default_value = "title", value_parser = word::<PlaylistOrder>)]
        order: PlaylistOrder,
        #[command(flatten)]
        deleted: Deleted,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show one, with its videos
    Show {
        /// Its id
        #[arg(allow_hyphen_values = true)]
        id: PlaylistId,
        #[command(flatten)]
        with_deleted: WithDeleted,
    },
}

impl Playlists {
    pub(super) async fn run(self, context: &Context<'_>) -> Result<ExitCode, AppError> {
        let output = context.output;
        context
            .with_catalogue(async |store| match self {
                Self::List { channel, video, order, deleted, paging } => {
                    let visibility = deleted.visibility();
                    let filter = PlaylistFilter { channel_id: channel, video_id: video, visibility };
                    list(output, store.playlists(), &filter, (order, paging), |it| it, line).await
                }
                Self::Show { id, with_deleted } => {
                    let playlist = get(store.playlists(), &id, with_deleted.visibility()).await?;
                    output.show(&playlist, |it| fields(it, &["title", "id", "channel_id"]))?;
                    Ok(ExitCode::SUCCESS)
                }
            })
            .await
    }
}

fn line(playlist: &Stored<PlaylistSummary>) -> String {
    let PlaylistSummary { id, title, video_count, .. } = &playlist.entity;
    format!("{id}  {video_count:>5}  {}", one_line(title))
}
