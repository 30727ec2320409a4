//! An interop endpoint on quinn and h3, with the options and the environment of `leat interop`.

mod http3;

use endpoint::{BOTH, Endpoint, Outcome, Refusal, Request, Role, tls};
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{ClientConfig, Connection, RecvStream, SendStream, ServerConfig, TransportConfig, VarInt};
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
use std::sync::Arc;
use std::time::Duration;

const REFUSALS: &[Refusal] = &[
    Refusal {
        case: "v2",
        roles: BOTH,
        reason: "quinn-proto 0.11, DEFAULT_SUPPORTED_VERSIONS: version 1 and drafts 29 to 34 only",
    },
    Refusal {
        case: "connectionmigration",
        roles: &[Role::Client],
        reason: "quinn-proto 0.11, set_peer_params: of a preferred address only the connection ID is used",
    },
];
const PART: usize = 1 << 16;
const LINE_MAX: usize = 4096;

fn transport(endpoint: &Endpoint) -> Arc<TransportConfig> {
    let mut config = TransportConfig::default();
    config.max_idle_timeout(Some(VarInt::from_u32(60_000).into()));
    // The runner's link: with the 333 ms of RFC 9002 a lost Initial of one of fifty handshakes costs a second.
    config.initial_rtt(Duration::from_millis(100));
    if endpoint.is("zerortt") {
        // Probes of the path's size would count as 1-RTT data that should have been early.
        config.mtu_discovery_config(None);
    }
    // A client that only receives would stay silent when a NAT forgets it.
    config.keep_alive_interval(Some(Duration::from_secs(1)));
    Arc::new(config)
}

// ---- client

async fn get(connection: &Connection, request: &Request, updates_keys: bool) -> Outcome<Vec<u8>> {
    let (mut send, mut receive) = connection.open_bi().await?;
    send.write_all(request.line().as_bytes()).await?;
    send.finish()?;
    let (mut body, mut part) = (Vec::new(), vec![0; PART]);
    while let Some(length) = receive.read(&mut part).await? {
        if updates_keys && body.is_empty() {
            // RFC 9001 §6.1: not before the handshake is confirmed, which quinn does not tell; but the answer has come.
            connection.force_key_update();
        }
        body.extend_from_slice(&part[..length]);
    }
    Ok(body)
}

async fn download(endpoint: &Endpoint, socket: &quinn::Endpoint, requests: &'static [Request]) -> Outcome<()> {
    let connecting = socket.connect(requests[0].address, &requests[0].host)?;
    let connection = match connecting.into_0rtt() {
        Ok((connection, _)) if endpoint.is("zerortt") => connection,
        Ok((connection, accepted)) => {
            accepted.await;
            connection
        }
        Err(connecting) => connecting.await?,
    };
    if endpoint.is("http3") {
        http3::download(endpoint, connection.clone(), requests).await?;
    } else {
        let mut tasks = tokio::task::JoinSet::new();
        for request in requests {
            let connection = connection.clone();
            let updates_keys = endpoint.is("keyupdate");
            tasks.spawn(async move { (request, get(&connection, request, updates_keys).await) });
        }
        while let Some(done) = tasks.join_next().await {
            let (request, body) = done?;
            endpoint.save(&request.path, &body?)?;
        }
    }
    connection.close(VarInt::from_u32(0), b"");
    socket.wait_idle().await;
    Ok(())
}

async fn run_client(endpoint: &'static Endpoint) -> Outcome<()> {
    let any: SocketAddr = if endpoint.requests[0].address.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" }.parse()?;
    let mut socket = quinn::Endpoint::client(any)?;
    let crypto = QuicClientConfig::with_initial(tls::client(endpoint)?, tls::initial_suite())?;
    let mut config = ClientConfig::new(Arc::new(crypto));
    config.transport_config(transport(endpoint));
    socket.set_default_client_config(config);
    for requests in endpoint.connections() {
        download(endpoint, &socket, requests).await?;
    }
    Ok(())
}

// ---- server

async fn answer(endpoint: &Endpoint, mut send: SendStream, mut receive: RecvStream) -> Outcome<()> {
    let line = receive.read_to_end(LINE_MAX).await?;
    match endpoint::requested_path(&line).map(|path| endpoint.load(path)) {
        Some(Ok(body)) => {
            send.write_all(&body).await?;
            send.finish()?;
        }
        _ => send.reset(VarInt::from_u32(1))?,
    }
    Ok(())
}

async fn serve(endpoint: &'static Endpoint, incoming: quinn::Incoming) -> Outcome<()> {
    let connecting = incoming.accept()?;
    // Early data can be read before the handshake is complete.
    let connection = match connecting.into_0rtt() {
        Ok((connection, _)) => connection,
        Err(connecting) => connecting.await?,
    };
    if endpoint.is("http3") {
        return http3::serve(endpoint, connection).await;
    }
    while let Ok((send, receive)) = connection.accept_bi().await {
        tokio::spawn(answer(endpoint, send, receive));
    }
    Ok(())
}

/// The socket is bound to every address of the host: another one of them is preferred.
fn prefer_other_address(config: &mut ServerConfig) -> Outcome<()> {
    if let (Ok(v4), Ok(v6)) = (std::env::var("PREFERRED_V4"), std::env::var("PREFERRED_V6")) {
        config.preferred_address_v4(Some(v4.parse::<SocketAddrV4>()?));
        config.preferred_address_v6(Some(v6.parse::<SocketAddrV6>()?));
    }
    Ok(())
}

async fn run_server(endpoint: &'static Endpoint) -> Outcome<()> {
    let crypto = QuicServerConfig::with_initial(tls::server(endpoint)?, tls::initial_suite())?;
    let mut config = ServerConfig::with_crypto(Arc::new(crypto));
    config.transport_config(transport(endpoint));
    if endpoint.is("connectionmigration") {
        prefer_other_address(&mut config)?;
    }
    let socket = quinn::Endpoint::server(config, endpoint.listen)?;
    endpoint::announce(socket.local_addr()?);
    while let Some(incoming) = socket.accept().await {
        if endpoint.is("retry") && !incoming.remote_address_validated() {
            incoming.retry()?;
        } else {
            tokio::spawn(serve(endpoint, incoming));
        }
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
