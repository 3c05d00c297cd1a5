//! `tubeatlas media`

use std::process::ExitCode;

use clap::Subcommand;
use tubeatlas_domain::{MediaFile, MediaFileId, VideoId};
use tubeatlas_ports::{MediaFileFilter, MediaFileOrder, Stored};

use super::Context;
use super::list::{Deleted, Paging, WithDeleted, get, list};
use super::output::{fields, one_line};
use crate::error::AppError;

#[derive(Debug, Subcommand)]
pub(super) enum Media {
    /// List them
    List {
        /// Only those of this video
        #[arg(long, value_name = "ID", allow_hyphen_values = true)]
        video: Option<VideoId>,
        /// Only those whose path holds all these words
        #[arg(long)]
        words: Option<String>,
        #[command(flatten)]
        deleted: Deleted,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show one
    Show {
        /// Its id
        id: MediaFileId,
        #[command(flatten)]
        with_deleted: WithDeleted,
    },
}

impl Media {
    pub(super) async fn run(self, context: &Context<'_>) -> Result<ExitCode, AppError> {
        let output = context.output;
        context
            .with_catalogue(async |store| match self {
                Self::List { video, words, deleted, paging } => {
                    let visibility = deleted.visibility();
                    let filter = MediaFileFilter { video_id: video, words, visibility };
                    let wanted = (MediaFileOrder::Path, paging);
                    list(output, store.media_files(), &filter, wanted, |it| it, line).await
                }
                Self::Show { id, with_deleted } => {
                    let file = get(store.media_files(), &id, with_deleted.visibility()).await?;
                    output.show(&file, |it| fields(it, &["path", "id", "video_id"]))?;
                    Ok(ExitCode::SUCCESS)
                }
            })
            .await
    }
}

fn line(file: &Stored<MediaFile>) -> String {
    let size = file.size_bytes.map_or_else(|| "-".to_owned(), |bytes| bytes.to_string());
    format!("{}  {}  {size:>12}  {}", file.entity.id, file.video_id, one_line(&file.path))
}
