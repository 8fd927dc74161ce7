//! `motcua feed`: watch a service's history, and what followers had to set aside.

use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use motcua_platform::{
    rpc::{self, Peer},
    telemetry,
};
use motcua_proto::{
    events::v1::{
        EventKind, ListFollowersRequest, ParkDossierRequest, SubscribeRequest, SubscribeResponse,
        UnparkDossierRequest, event_feed_service_client::EventFeedServiceClient,
        follower_service_client::FollowerServiceClient,
    },
    r#type::v1::Role,
};
use tonic::{Code, Streaming};
use uuid::Uuid;

use crate::{Failed, certificates, config::Config, credentials::Credentials};

/// What to do with feeds and followers.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print a service's events as they come.
    Tail {
        /// The service whose history it is.
        service: Service,
        /// Begin after this position.
        #[arg(long, default_value_t = 0)]
        after: i64,
        /// Only this dossier.
        #[arg(long, default_value = "")]
        dossier: String,
        /// Stop at the head instead of waiting for more.
        #[arg(long)]
        until_head: bool,
    },
    /// Show how far a service has followed the others, and what is parked.
    Followers {
        /// The service that follows.
        service: Service,
    },
    /// Set a dossier aside: its events queue until it is unparked.
    Park {
        /// The service that follows.
        service: Service,
        /// The source whose events are to queue.
        #[arg(long)]
        source: Service,
        /// The dossier's code.
        dossier: String,
        /// Why, for the next operator.
        #[arg(long)]
        reason: String,
    },
    /// Replay a parked dossier's events in order, after the cause was mended.
    Unpark {
        /// The service that follows.
        service: Service,
        /// The source whose events wait.
        #[arg(long)]
        source: Service,
        /// The dossier's code.
        dossier: String,
    },
}

/// A service of the suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Service {
    /// Reception.
    Intake,
    /// Behind the counter.
    Workflow,
    /// Messages.
    Notification,
    /// Figures.
    Statistics,
}

impl Service {
    pub(crate) const ALL: [Self; 4] = [
        Self::Intake,
        Self::Workflow,
        Self::Notification,
        Self::Statistics,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Intake => motcua_intake::SERVICE,
            Self::Workflow => motcua_workflow::SERVICE,
            Self::Notification => motcua_notification::SERVICE,
            Self::Statistics => motcua_statistics::SERVICE,
        }
    }

    /// Where it listens unless the configuration says otherwise.
    pub(crate) fn port(self) -> u16 {
        match self {
            Self::Intake => 7101,
            Self::Workflow => 7102,
            Self::Notification => 7103,
            Self::Statistics => 7104,
        }
    }

    /// Where it is for others: by the configuration, or on this machine.
    pub(crate) fn url(self, config: &Config) -> String {
        let url = match self {
            Self::Intake => &config.intake_url,
            Self::Workflow => &config.workflow_url,
            Self::Notification => &config.notification_url,
            Self::Statistics => &config.statistics_url,
        };
        if url.is_empty() {
            format!(
                "{}://127.0.0.1:{}",
                certificates::scheme(config),
                self.port()
            )
        } else {
            url.clone()
        }
    }

    /// The way to it, for a command that takes it in this role.
    pub(crate) fn peer(self, config: &Config, role: Role) -> Result<Peer, Failed> {
        let url = self.url(config);
        certificates::guard(&url, config)?;
        let tls = certificates::of_caller(config)?;
        let peer = rpc::channel(&url, "motcua", self.name(), tls.as_ref())?;
        Credentials::find(config)?.take(peer, role)
    }
}

async fn subscribe(
    service: Service,
    config: &Config,
    request: &SubscribeRequest,
) -> Result<Streaming<SubscribeResponse>, Failed> {
    let mut feed = EventFeedServiceClient::new(service.peer(config, Role::CitySupervisor)?);
    Ok(feed.subscribe(request.clone()).await?.into_inner())
}

pub(crate) async fn run(config: &Config, command: Command) -> Result<ExitCode, Failed> {
    match command {
        Command::Tail {
            service,
            after,
            dossier,
            until_head,
        } => {
            let mut request = SubscribeRequest {
                after,
                until_head,
                dossier,
                ..SubscribeRequest::default()
            };
            let mut stream = subscribe(service, config, &request).await?;
            loop {
                let batch = match stream.message().await {
                    Ok(Some(batch)) => batch,
                    Ok(None) => break,
                    // The token has had its time, and the stream with it: another one goes on where this one was.
                    Err(status) if status.code() == Code::Unauthenticated => {
                        stream = subscribe(service, config, &request).await?;
                        continue;
                    }
                    Err(status) => return Err(status.into()),
                };
                request.after = batch.through;
                request.epoch = batch.epoch;
                for event in batch.events {
                    let kind = EventKind::try_from(event.kind).unwrap_or_default();
                    println!(
                        "{:>8}  {}  {:<22} {}  {}",
                        event.position,
                        event
                            .occurred_at
                            .as_ref()
                            .and_then(motcua_platform::time::from_proto)
                            .map(|at| motcua_calendar::local(at)
                                .strftime("%Y-%m-%d %H:%M:%S")
                                .to_string())
                            .unwrap_or_default(),
                        telemetry::kind_name(kind),
                        event.name,
                        event.actor.map(|actor| actor.id).unwrap_or_default(),
                    );
                }
            }
        }
        Command::Followers { service } => {
            let followers = FollowerServiceClient::new(service.peer(config, Role::CitySupervisor)?)
                .list_followers(ListFollowersRequest {})
                .await?
                .into_inner()
                .followers;
            if followers.is_empty() {
                println!("{} follows nobody", service.name());
            }
            for follower in followers {
                println!(
                    "{} follows {}: position {} of {} (lag {}){}",
                    service.name(),
                    follower.source,
                    follower.position,
                    follower.head,
                    follower.lag,
                    if follower.fault.is_empty() {
                        String::new()
                    } else {
                        format!("; stopped: {}", follower.fault)
                    },
                );
                for parked in follower.parked {
                    println!(
                        "  parked: {} from position {} ({} event(s) wait): {}",
                        parked.dossier, parked.position, parked.events, parked.reason,
                    );
                }
            }
        }
        Command::Park {
            service,
            source,
            dossier,
            reason,
        } => {
            FollowerServiceClient::new(service.peer(config, Role::Administrator)?)
                .park_dossier(ParkDossierRequest {
                    source: source.name().to_owned(),
                    dossier: dossier.clone(),
                    reason,
                    request_id: Uuid::new_v4().to_string(),
                })
                .await?;
            println!(
                "{dossier} is parked: events of {} queue at {}",
                source.name(),
                service.name()
            );
        }
        Command::Unpark {
            service,
            source,
            dossier,
        } => {
            let replayed = FollowerServiceClient::new(service.peer(config, Role::Administrator)?)
                .unpark_dossier(UnparkDossierRequest {
                    source: source.name().to_owned(),
                    dossier: dossier.clone(),
                    request_id: Uuid::new_v4().to_string(),
                })
                .await?
                .into_inner()
                .replayed;
            println!("{dossier}: {replayed} event(s) replayed");
        }
    }
    Ok(ExitCode::SUCCESS)
}
