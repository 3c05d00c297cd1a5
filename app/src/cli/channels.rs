//! `tubeatlas channels`

use std::process::ExitCode;

use clap::Subcommand;
use tubeatlas_domain::ChannelId;
use tubeatlas_ports::{ChannelFilter, ChannelOrder, Visibility};

use super::Context;
use super::list::{Paging, get, list, word};
use super::output::{fields, one_line};
use crate::error::AppError;

#[derive(Debug, Subcommand)]
pub(super) enum Channels {
    /// List them
    List {
        #[arg(long, value_name = "title|id", default_value = "title", value_parser = word::<ChannelOrder>)]
        order: ChannelOrder,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show one
    Show {
        /// Its id
        #[arg(allow_hyphen_values = true)]
        id: ChannelId,
    },
}

impl Channels {
    pub(super) async fn run(self, context: &Context<'_>) -> Result<ExitCode, AppError> {
        let output = context.output;
        context
            .with_catalogue(async |store| match self {
                Self::List { order, paging } => {
                    let line = |it: &_| channel_line(it);
                    list(output, store.channels(), &ChannelFilter {}, (order, paging), |it| it, line).await
                }
                Self::Show { id } => {
                    let channel = get(store.channels(), &id, Visibility::Live).await?;
                    output.show(&channel, |it| fields(it, &["title", "id"]))?;
                    Ok(ExitCode::SUCCESS)
                }
            })
            .await
    }
}

fn channel_line(channel: &tubeatlas_ports::Stored<tubeatlas_domain::Channel>) -> String {
    format!("{}  {}", channel.entity.id, one_line(&channel.title))
}
