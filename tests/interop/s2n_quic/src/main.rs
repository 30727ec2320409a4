//! An interop endpoint on s2n-quic, with the options and the environment of `leat interop`.

use bytes::Bytes;
use endpoint::{BOTH, Endpoint, Outcome, Refusal, Request, Role, tls};
use s2n_quic::client::Connect;
use s2n_quic::provider::endpoint_limits::{ConnectionAttempt, Limiter, Outcome as Verdict};
use s2n_quic::provider::{limits, tls::rustls};
use s2n_quic::stream::BidirectionalStream;
use s2n_quic::{Client, Connection, Server};
use std::net::SocketAddr;
use std::time::Duration;

/// The statements are those of the library's own interop program (quic/s2n-quic-qns) and of the README of quic/s2n-quic-h3.
const REFUSALS: &[Refusal] = &[
    Refusal {
        case: "resumption",
        roles: BOTH,
        reason: "s2n-quic-qns, Cargo.toml: \"unstable_client_hello and unstable_resumption use s2n-tls\"; with rustls, as here, there \
                 is none",
    },
    Refusal { case: "zerortt", roles: BOTH, reason: "s2n-quic-qns: \"TODO implement 0rtt\"" },
    Refusal {
        case: "http3",
        roles: BOTH,
        reason: "s2n-quic-h3, not published: \"an internal crate [...] written as a proof of concept [...] should not be used directly\"",
    },
    Refusal {
        case: "keyupdate",
        roles: &[Role::Client],
        reason: "s2n-quic-qns: \"TODO add the ability to trigger a key update from the application\"",
    },
    Refusal {
        case: "v2",
        roles: BOTH,
        reason: "s2n-quic-transport, SUPPORTED_VERSIONS: version 1 and drafts only; s2n-quic-qns: \"TODO add the ability to \
                 override the QUIC version\"",
    },
    Refusal {
        case: "connectionmigration",
        roles: BOTH,
        reason: "s2n-quic-qns: \"TODO support the ability to actively migrate on the client\"; server::Builder has no setting for \
                 a preferred address",
    },
];

fn limits() -> Outcome<limits::Limits> {
    Ok(limits::Limits::new()
        .with_max_idle_timeout(Duration::from_secs(60))?
        .with_max_handshake_duration(Duration::from_secs(60))?
        .with_max_keep_alive_period(Duration::from_secs(1))?
        .with_initial_round_trip_time(Duration::from_millis(100))?)
}

// ---- client

async fn get(connection: s2n_quic::connection::Handle, request: &'static Request) -> Outcome<(&'static Request, Vec<u8>)> {
    let mut connection = connection;
    let mut stream = connection.open_bidirectional_stream().await?;
    stream.send(Bytes::from(request.line())).await?;
    stream.finish()?;
    let mut body = Vec::new();
    while let Some(part) = stream.receive().await? {
        body.extend_from_slice(&part);
    }
    Ok((request, body))
}

async fn download(endpoint: &Endpoint, client: &Client, requests: &'static [Request]) -> Outcome<()> {
    let mut connection =
        client.connect(Connect::new(requests[0].address).with_server_name(requests[0].host.as_str())).await?;
    connection.keep_alive(true)?;
    let mut tasks = tokio::task::JoinSet::new();
    for request in requests {
        tasks.spawn(get(connection.handle(), request));
    }
    while let Some(done) = tasks.join_next().await {
        let (request, body) = done??;
        endpoint.save(&request.path, &body)?;
    }
    connection.close(0u32.into());
    Ok(())
}

async fn run_client(endpoint: &'static Endpoint) -> Outcome<()> {
    let any: SocketAddr = if endpoint.requests[0].address.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" }.parse()?;
    let mut client = Client::builder()
        .with_tls(rustls::Client::from(tls::client(endpoint)?))?
        .with_io(any)?
        .with_limits(limits()?)?
        .start()?;
    for requests in endpoint.connections() {
        download(endpoint, &client, requests).await?;
    }
    client.wait_idle().await?;
    Ok(())
}

// ---- server

struct Attempts {
    wants_retry: bool,
}

impl Limiter for Attempts {
    fn on_connection_attempt(&mut self, _: &ConnectionAttempt) -> Verdict {
        if self.wants_retry { Verdict::retry() } else { Verdict::allow() }
    }
}

async fn answer(endpoint: &Endpoint, mut stream: BidirectionalStream) -> Outcome<()> {
    let mut line = Vec::new();
    while let Some(part) = stream.receive().await? {
        line.extend_from_slice(&part);
    }
    match endpoint::requested_path(&line).map(|path| endpoint.load(path)) {
        Some(Ok(body)) => {
            stream.send(Bytes::from(body)).await?;
            stream.finish()?;
        }
        _ => stream.reset(1u32.into())?,
    }
    Ok(())
}

async fn serve(endpoint: &'static Endpoint, mut connection: Connection) {
    while let Ok(Some(stream)) = connection.accept_bidirectional_stream().await {
        tokio::spawn(answer(endpoint, stream));
    }
}

async fn run_server(endpoint: &'static Endpoint) -> Outcome<()> {
    let mut server = Server::builder()
        .with_tls(rustls::Server::from(tls::server(endpoint)?))?
        .with_io(endpoint.listen)?
        .with_limits(limits()?)?
        .with_endpoint_limits(Attempts { wants_retry: endpoint.is("retry") })?
        .start()?;
    endpoint::announce(server.local_addr()?);
    while let Some(connection) = server.accept().await {
        tokio::spawn(serve(endpoint, connection));
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let endpoint: &'static Endpoint = Box::leak(Box::new(Endpoint::new(REFUSALS)?));
    match endpoint.role {
        Role::Client => run_client(endpoint).await,
        Role::Server => run_server(endpoint).await,
    }
}
