//! `tubeatlas graphs`

use std::process::ExitCode;

use clap::Subcommand;
use tubeatlas_domain::{ChannelId, GraphOwner, KnowledgeGraphId, KnowledgeGraphSummary, VideoId};
use tubeatlas_ports::{KnowledgeGraphFilter, KnowledgeGraphOrder, Stored};

use super::Context;
use super::list::{Deleted, Paging, WithDeleted, get, list, word};
use super::output::fields;
use crate::error::AppError;

#[derive(Debug, Subcommand)]
pub(super) enum Graphs {
    /// List them, without their content
    List {
        /// Only those of this video
        #[arg(long, value_name = "ID", allow_hyphen_values = true, conflicts_with = "channel")]
        video: Option<VideoId>,
        /// Only those of this channel as a whole
        #[arg(long, value_name = "ID", allow_hyphen_values = true)]
        channel: Option<ChannelId>,
        #[command(flatten)]
        deleted: Deleted,
        #[arg(long, value_name = "newest|oldest", default_value = "newest", value_parser = word::<KnowledgeGraphOrder>)]
        order: KnowledgeGraphOrder,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show one
    Show {
        /// Its id
        id: KnowledgeGraphId,
        #[command(flatten)]
        with_deleted: WithDeleted,
    },
}

impl Graphs {
    pub(super) async fn run(self, context: &Context<'_>) -> Result<ExitCode, AppError> {
        let output = context.output;
        context
            .with_catalogue(async |store| match self {
                Self::List { video, channel, deleted, order, paging } => {
                    let owner = video.map(GraphOwner::Video).or(channel.map(GraphOwner::Channel));
                    let filter = KnowledgeGraphFilter { owner, visibility: deleted.visibility() };
                    list(output, store.knowledge_graphs(), &filter, (order, paging), |it| it, line).await
                }
                Self::Show { id, with_deleted } => {
                    let graph = get(store.knowledge_graphs(), &id, with_deleted.visibility()).await?;
                    output.show(&graph, |it| fields(it, &["id", "owner", "model"]))?;
                    Ok(ExitCode::SUCCESS)
                }
            })
            .await
    }
}

fn line(graph: &Stored<KnowledgeGraphSummary>) -> String {
    let owner = match &graph.owner {
        GraphOwner::Video(id) => format!("video {id}"),
        GraphOwner::Channel(id) => format!("channel {id}"),
    };
    let KnowledgeGraphSummary { id, version, entity_count, relation_count, .. } = &graph.entity;
    format!("{id}  {owner}  version {version}  {entity_count} entities  {relation_count} relations")
}
