//! The ceiling: one CTE statement per dossier by raw SQL, row and event with every index of the product, and no row that
//! writers share: positions come from a sequence, which costs no lock and gives no order.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use motcua_platform::database::{Base, redacted};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::{task::JoinSet, time::Instant};

use crate::Failed;

/// Rows as the product writes them, taken from its own tables: the ceiling must not be lighter than the product.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    receiving_agency: String,
    competent_agency: String,
    procedure: String,
    state: String,
    event: Vec<u8>,
}

impl Sample {
    /// Reads what a submission has left in intake's database.
    pub(super) async fn read(base: &Base) -> Result<Self, Failed> {
        let mut connection = connect(&base.service(motcua_intake::SERVICE)).await?;
        let (receiving_agency, competent_agency, procedure, state, event) = sqlx::query_as(
            "SELECT receiving_agency, competent_agency, procedure, state::text, body \
             FROM dossier JOIN event ON event.dossier = dossier.code LIMIT 1",
        )
        .fetch_one(&mut connection)
        .await
        .map_err(failed)?;
        Ok(Self {
            receiving_agency,
            competent_agency,
            procedure,
            state,
            event,
        })
    }
}

/// A database of the product's own schema, for the raw statements.
#[derive(Debug, Clone)]
pub(super) struct Ceiling {
    options: PgConnectOptions,
    sample: Sample,
    codes: Arc<AtomicU64>,
}

impl Ceiling {
    pub(super) async fn prepare(base: &Base, sample: Sample) -> Result<Self, Failed> {
        base.prepare("ceiling", &motcua_intake::MIGRATIONS).await?;
        let options = base.owner("ceiling");
        sqlx::query("CREATE SEQUENCE IF NOT EXISTS place")
            .execute(&mut connect(&options).await?)
            .await
            .map_err(failed)?;
        Ok(Self {
            options,
            sample,
            codes: Arc::new(AtomicU64::new(0)),
        })
    }

    /// Dossiers per second on so many connections, each held and each with its statement prepared.
    pub(super) async fn measure(&self, connections: usize, time: Duration) -> Result<f64, Failed> {
        let mut ready = Vec::new();
        for _ in 0..connections {
            let mut connection = connect(&self.options).await?;
            self.write(&mut connection).await?;
            ready.push(connection);
        }
        let begin = Instant::now();
        let mut writers = JoinSet::new();
        for mut connection in ready {
            let ceiling = self.clone();
            writers.spawn(async move {
                let mut written = 0_u32;
                while begin.elapsed() < time {
                    ceiling.write(&mut connection).await?;
                    written += 1;
                }
                Ok::<_, Failed>(written)
            });
        }
        let mut written = 0.0;
        while let Some(outcome) = writers.join_next().await {
            written += f64::from(outcome.map_err(|error| Failed::new(error.to_string()))??);
        }
        Ok(written / begin.elapsed().as_secs_f64())
    }

    async fn write(&self, connection: &mut PgConnection) -> Result<(), Failed> {
        let code = format!(
            "H24.99999-250701-{:07}",
            self.codes.fetch_add(1, Ordering::Relaxed)
        );
        sqlx::query(
            "WITH written AS ( \
                 INSERT INTO dossier (code, receiving_agency, competent_agency, tenants, owner, procedure, status, channel, \
                                      hand_over_method, submitted_at, timer_at, version, state) \
                 VALUES ($1, $2, $3, ARRAY[$2, $3], '', $4, 1, 1, 1, now(), now() + interval '8 hours', 1, $5::text::json)) \
             INSERT INTO event (position, kind, dossier, name, agency, request_id, recorded_at, body) \
             VALUES (nextval('place'), 20, $1, 'dossiers/' || $1, $2, gen_random_uuid(), now(), $6)",
        )
        .bind(code)
        .bind(&self.sample.receiving_agency)
        .bind(&self.sample.competent_agency)
        .bind(&self.sample.procedure)
        .bind(&self.sample.state)
        .bind(&self.sample.event)
        .execute(connection)
        .await
        .map_err(failed)?;
        Ok(())
    }
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, Failed> {
    PgConnection::connect_with(options).await.map_err(failed)
}

fn failed(error: sqlx::Error) -> Failed {
    Failed::new(format!("the database objects: {}", redacted(&error)))
}
