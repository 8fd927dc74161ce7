//! Notification: messages to people about their dossiers, and each attempt to deliver them.
//!
//! It follows intake and workflow; rules say which act is told, in which template, and the ledger queues one message for
//! each. The sender asks intake for the contact when a message is due, fills the template in, delivers by SMTP or into a
//! file, and records how it went: "has the citizen been told?" is answered from the message's own state machine.
//!
//! | where | answers |
//! | --- | --- |
//! | `domain/rules.rs` | which act is told, in which words? |
//! | `domain/message.rs` | what may happen to a message, and when is it tried again? |
//! | `domain/template.rs`, `domain/words.rs`, `domain/particulars.rs` | what do messages say? |
//! | `channel/` | how does a message reach its recipient? |
//! | `sender.rs` | who sends, what happens to a message that is due, and what after a crash? |
//! | `reactions.rs`, `api/`, `store/` | events in, gRPC in and out, PostgreSQL |
//!
//! Deliberately not here: addresses and the words of messages (they exist while a message is being sent, and nowhere
//! else), any decision about a dossier, webhooks, SMS.

mod api;
mod channel;
mod domain;
mod reactions;
mod sender;
mod store;

use std::sync::Arc;

use motcua_platform::{
    archive::Archive,
    catalog::Catalogs,
    compressed, database,
    error::Error,
    feed::Feed,
    follower::Follower,
    ledger::Ledger,
    progress::Progress,
    service::{Service, Surroundings},
};
use motcua_proto::notification::v1::{
    message_service_server::MessageServiceServer, template_service_server::TemplateServiceServer,
};
use tonic::service::Routes;

pub use self::channel::Channel;
use self::{
    api::{MessageApi, TemplateApi},
    channel::Outbox,
    domain::rules,
    reactions::Reactions,
    sender::Sender,
    store::{Messages, Shelf, Templates},
};

/// The service's name.
pub const SERVICE: &str = "notification";

/// Its schema.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// What is set for this service alone.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where messages go.
    pub channel: Channel,
}

/// Starts the service.
///
/// # Errors
/// When the channel is unusable: a directory that cannot be made, a URL or a sender that is none.
pub async fn start(surroundings: Surroundings, settings: Settings) -> Result<Service, Error> {
    let Surroundings {
        options,
        reader,
        vault,
        clock,
        peers,
        drain,
        tasks,
    } = surroundings;
    let (intake, workflow) = (peers.intake, peers.workflow);
    let archive = Archive::new(database::steady(&reader));
    let outbox = Outbox::open(&settings.channel)?;
    let channel = settings.channel.name();

    let pool = database::pool(options.clone());
    let feed = Feed::start(
        SERVICE,
        pool.clone(),
        options.clone(),
        clock.clone(),
        store::PENDING,
        drain.clone(),
    );
    let messages = Ledger::start(
        &feed,
        &vault,
        Arc::new(Messages { channel }),
        &options,
        &clock,
        &tasks,
    );
    let templates = Ledger::start(&feed, &vault, Arc::new(Templates), &options, &clock, &tasks);
    let sources = [(rules::INTAKE, &intake), (rules::WORKFLOW, &workflow)];
    let progress = Progress::new(
        feed.clone(),
        pool.clone(),
        sources.map(|(source, peer)| (source, peer.clone())),
    );

    let catalogs = Catalogs::default();
    let handler = Arc::new(Reactions {
        messages: Messages { channel },
        catalogs: catalogs.clone(),
        vault,
        clock: clock.clone(),
    });
    let mut parkings = Vec::new();
    for (source, peer) in sources {
        let follower = Follower {
            service: SERVICE,
            source,
            peer: peer.clone(),
            kinds: reactions::kinds(source),
            options: options.clone(),
            handler: Arc::clone(&handler),
            progress: progress.clone(),
            clock: clock.clone(),
        };
        parkings.push(follower.parking());
        tasks.spawn(follower.run(drain.clone()));
    }

    let sender = Sender {
        ledger: messages.clone(),
        outbox,
        shelf: Shelf::default(),
        catalogs,
        intake: intake.clone(),
        workflow,
        pool: pool.clone(),
        options,
        clock,
        feed: feed.clone(),
    };
    tasks.spawn(sender.run(drain));

    let message_api = MessageApi {
        ledger: messages,
        archive: archive.clone(),
        intake,
    };
    let template_api = TemplateApi {
        ledger: templates,
        archive: archive.clone(),
    };
    let routes = Routes::default()
        .add_service(compressed!(MessageServiceServer::new(message_api)))
        .add_service(compressed!(TemplateServiceServer::new(template_api)));
    Ok(Service::new(
        routes, feed, archive, pool, parkings, progress,
    ))
}
