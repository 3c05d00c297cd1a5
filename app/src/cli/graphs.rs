//! `tubeatlas graphs`

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use serde_json::Value;
use tubeatlas_domain::{
    ChannelId, GraphMerger, GraphOwner, KnowledgeGraph, KnowledgeGraphId, KnowledgeGraphSummary, VideoId,
};
use tubeatlas_ports::{KnowledgeGraphFilter, KnowledgeGraphOrder, Store, Stored};

use super::Context;
use super::list::{Deleted, Paging, WithDeleted, get, list, word};
use super::output::{Destination, Output, fields, one_line};
use crate::error::AppError;
use crate::graphs::{self, Direction, GraphError, MAX_GRAPH_FILE_BYTES, Neighbours};
use crate::wiring;

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
    /// Take triples, or nodes and relationships, out of JSON files as the next version of a graph
    Import {
        /// The files; all of them become one graph
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        owner: Owner,
        /// The model that made it [default: that which the files name]
        #[arg(long, value_name = "NAME")]
        model: Option<String>,
    },
    /// Show how an entity is related to others
    Neighbours {
        /// The graph's id
        id: KnowledgeGraphId,
        /// The entity's name; case, accents and punctuation do not count
        #[arg(value_name = "ENTITY", allow_hyphen_values = true)]
        name: String,
        /// How many relations at most
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
        /// Leave out the first of them
        #[arg(long, value_name = "N", default_value_t = 0)]
        skip: usize,
        #[command(flatten)]
        with_deleted: WithDeleted,
    },
    /// Write it as JSON that can be imported again, or as GraphML
    Export {
        /// Its id
        id: KnowledgeGraphId,
        /// The form
        #[arg(long = "as", value_name = "json|graphml")]
        form: Form,
        #[command(flatten)]
        destination: Destination,
        #[command(flatten)]
        with_deleted: WithDeleted,
    },
    /// Merge the newest graphs of a channel's videos into the next version of the channel's graph
    Merge {
        /// The channel
        #[arg(long, value_name = "ID", allow_hyphen_values = true)]
        channel: ChannelId,
    },
}

/// What a graph is about.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Owner {
    /// The video that it is about
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    video: Option<VideoId>,
    /// The channel that it is about
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    channel: Option<ChannelId>,
}

/// The forms in which a graph can be written.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Form {
    /// JSON
    Json,
    /// GraphML
    Graphml,
}

/// What came of an import.
#[derive(Serialize)]
struct Imported {
    graph: Stored<KnowledgeGraphSummary>,
    /// How many entries of the files were taken.
    taken: u64,
    /// How many of them are relations that were there already.
    repeated_relations: u64,
    /// The other spellings of entities, by the name that was kept.
    spellings: BTreeMap<String, BTreeSet<String>>,
    /// Fields for which a graph has no place, and how often they were there.
    left_out: BTreeMap<String, u64>,
    refused: Vec<RefusedFile>,
    /// The first thousand of each file.
    warnings: Vec<FileWarning>,
    /// How many there are beyond these.
    more_warnings: u64,
}

#[derive(Serialize)]
struct RefusedFile {
    path: PathBuf,
    reason: String,
}

#[derive(Serialize)]
struct FileWarning {
    path: PathBuf,
    #[serde(flatten)]
    warning: graphs::Warning,
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
                    output.show(&graph, text)?;
                    Ok(ExitCode::SUCCESS)
                }
                Self::Import { files, owner, model } => {
                    let Some(owner) =
                        owner.video.map(GraphOwner::Video).or(owner.channel.map(GraphOwner::Channel))
                    else {
                        return Err(GraphError::NothingTaken.into()); // the command line demands one of the two
                    };
                    import(output, store, &files, owner, model).await
                }
                Self::Neighbours { id, name, limit, skip, with_deleted } => {
                    let graph = get(store.knowledge_graphs(), &id, with_deleted.visibility()).await?;
                    let found = graphs::neighbours(&graph, &name, skip, limit)?;
                    output.show(&found, relations)?;
                    let shown = skip.saturating_add(found.relations.len());
                    if output.is_text() && shown < found.total {
                        output.note(&format!(
                            "{} of {} relations; more with --skip {shown}",
                            found.relations.len(),
                            found.total
                        ));
                    }
                    Ok(ExitCode::SUCCESS)
                }
                Self::Export { id, form, destination, with_deleted } => {
                    let graph = get(store.knowledge_graphs(), &id, with_deleted.visibility()).await?;
                    destination.write(&document(&graph.entity, form)?)?;
                    Ok(ExitCode::SUCCESS)
                }
                Self::Merge { channel } => {
                    let id = KnowledgeGraphId::new(wiring::ids().new_id());
                    let merged = graphs::merge_channel(store, id, &channel).await?;
                    output.show(&merged, |it| {
                        format!("{}\nmerged from {} videos", line(&it.graph), it.videos.len())
                    })?;
                    Ok(ExitCode::SUCCESS)
                }
            })
            .await
    }
}

async fn import(
    output: &Output,
    store: &dyn Store,
    files: &[PathBuf],
    owner: GraphOwner,
    model: Option<String>,
) -> Result<ExitCode, AppError> {
    let mut content = GraphMerger::default();
    let (mut refused, mut warnings) = (Vec::new(), Vec::new());
    let (mut taken, mut more_warnings) = (0, 0);
    let (mut left_out, mut models) = (BTreeMap::new(), BTreeSet::new());
    for path in files {
        let document = match parsed(path) {
            Ok(document) => document,
            Err(reason) => {
                output.note(&format!("refused {}: {reason}", path.display()));
                refused.push(RefusedFile { path: path.clone(), reason });
                continue;
            }
        };
        let reading = graphs::read(&document, &mut content);
        for warning in reading.warnings {
            output.note(&format!("warning: {}: {}: {}", path.display(), warning.place, warning.reason));
            warnings.push(FileWarning { path: path.clone(), warning });
        }
        if reading.more_warnings > 0 {
            output.note(&format!("warning: {}: {} more like these", path.display(), reading.more_warnings));
            more_warnings += reading.more_warnings;
        }
        if reading.taken == 0 {
            let reason = "holds no relation and no entity that can be taken".to_owned();
            output.note(&format!("refused {}: {reason}", path.display()));
            refused.push(RefusedFile { path: path.clone(), reason });
        }
        taken += reading.taken;
        for (name, count) in reading.left_out {
            *left_out.entry(name).or_default() += count;
        }
        models.extend(reading.models);
    }
    if taken == 0 {
        return Err(GraphError::NothingTaken.into());
    }
    let model = model.or_else(|| models.pop_first().filter(|_| models.is_empty()));
    let (spellings, repeated_relations) = (content.spellings().clone(), content.repeated());
    let id = KnowledgeGraphId::new(wiring::ids().new_id());
    let graph = graphs::add_version(store, id, owner, model, content).await?.map(|graph| graph.summary());
    let imported =
        Imported { graph, taken, repeated_relations, spellings, left_out, refused, warnings, more_warnings };
    output.show(&imported, summary)?;
    Ok(if imported.refused.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// The JSON of a file, or why it is refused.
fn parsed(path: &Path) -> Result<Value, String> {
    // Looked at before it is opened: opening a pipe may wait for ever.
    let data = std::fs::metadata(path).map_err(|error| format!("cannot be read: {error}"))?;
    if !data.is_file() {
        return Err("is no regular file; only files are read".to_owned());
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_GRAPH_FILE_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() as u64 > MAX_GRAPH_FILE_BYTES {
        return Err(format!("has more than {MAX_GRAPH_FILE_BYTES} bytes; import it in parts"));
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    serde_json::from_slice(text).map_err(|error| format!("is no JSON that can be read: {error}"))
}

fn summary(imported: &Imported) -> String {
    let Imported { graph, taken, repeated_relations, spellings, left_out, refused, warnings, more_warnings } =
        imported;
    let others: usize = spellings.values().map(BTreeSet::len).sum();
    let mut text = format!(
        "{}\n{taken} entries taken, {repeated_relations} relations repeated, {others} other spellings merged, \
         {} warnings, {} files refused\n",
        line(graph),
        warnings.len() as u64 + more_warnings,
        refused.len()
    );
    if !left_out.is_empty() {
        let fields: Vec<String> = left_out.iter().map(|(name, count)| format!("{name} ({count})")).collect();
        text.push_str(&format!("left out, having no place in a graph: {}\n", one_line(&fields.join(", "))));
    }
    text
}

/// The graph's fields, then its relations, then the entities that stand in none, a line each.
fn text(graph: &Stored<KnowledgeGraph>) -> String {
    let summary = graph.clone().map(|graph| graph.summary());
    let mut text = fields(&summary, &["id", "owner", "model"]);
    for it in &graph.relations {
        let [subject, predicate, object] =
            [&it.subject, &it.predicate, &it.object].map(|name| one_line(name));
        text.push_str(&format!("  {subject}  --{predicate}->  {object}\n"));
    }
    let related: HashSet<&String> = graph.relations.iter().flat_map(|it| [&it.subject, &it.object]).collect();
    for entity in graph.entities.iter().filter(|entity| !related.contains(&entity.name)) {
        text.push_str(&format!("  {}\n", one_line(&entity.name)));
    }
    text
}

fn relations(found: &Neighbours) -> String {
    let name = one_line(&found.names.join(" / "));
    let kind = found.kind.as_ref().map(|kind| format!("  ({})", one_line(kind))).unwrap_or_default();
    let mut text = format!("{name}{kind}\n");
    for it in &found.relations {
        let (predicate, entity) = (one_line(&it.predicate), one_line(&it.entity));
        text.push_str(&match it.direction {
            Direction::Out => format!("  {predicate} -> {entity}\n"),
            Direction::In => format!("  <- {predicate} {entity}\n"),
        });
    }
    text
}

fn document(graph: &KnowledgeGraph, form: Form) -> Result<String, AppError> {
    match form {
        Form::Json => {
            let json = serde_json::to_string_pretty(graph).map_err(|error| AppError::Output(error.into()))?;
            Ok(json + "\n")
        }
        Form::Graphml => Ok(graphs::graphml(graph)),
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
