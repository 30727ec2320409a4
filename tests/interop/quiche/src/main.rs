//! An interop endpoint on Cloudflare's quiche, with the options and the environment of `leat interop`.

mod client;
mod server;

use endpoint::{BOTH, Endpoint, Outcome, Refusal, Role};
use quiche::{Config, Connection, ConnectionId};
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

const REFUSALS: &[Refusal] = &[
    Refusal {
        case: "chacha20",
        roles: &[Role::Client],
        reason: "quiche apps/run_endpoint.sh: \"We don't support selecting a cipher on the client-side\"",
    },
    Refusal {
        case: "keyupdate",
        roles: &[Role::Client],
        reason: "quiche 0.30, Connection: no method starts a key update; apps/run_endpoint.sh has the case as unsupported",
    },
    Refusal { case: "ecn", roles: BOTH, reason: "quiche 0.30, lib.rs: \"sending ECN is not supported at this time\"" },
    Refusal { case: "v2", roles: BOTH, reason: "quiche 0.30, version_is_supported: PROTOCOL_VERSION_V1 only" },
    Refusal {
        case: "connectionmigration",
        roles: BOTH,
        reason: "quiche 0.30, transport_params.rs: \"TODO: decode preferred_address\", \"TODO: encode preferred_address\"",
    },
];

pub const DATAGRAM_MAX: usize = 65535;
const WINDOW: u64 = 16 << 20;

pub fn config(endpoint: &Endpoint) -> Outcome<Config> {
    let mut config = Config::new(quiche::PROTOCOL_VERSION)?;
    config.set_application_protos(&[endpoint.protocol().as_bytes()])?;
    config.set_max_idle_timeout(60_000);
    config.set_initial_rtt(Duration::from_millis(100));
    config.set_max_recv_udp_payload_size(1452);
    config.set_max_send_udp_payload_size(1452);
    config.set_initial_max_data(WINDOW);
    config.set_initial_max_stream_data_bidi_local(WINDOW);
    config.set_initial_max_stream_data_bidi_remote(WINDOW);
    config.set_initial_max_stream_data_uni(WINDOW);
    config.set_initial_max_streams_bidi(100);
    config.set_initial_max_streams_uni(100);
    config.set_active_connection_id_limit(8);
    config.enable_pacing(false);
    config.log_keys();
    if endpoint.is("zerortt") {
        config.enable_early_data();
    }
    Ok(config)
}

pub fn log_keys(connection: &mut Connection) -> Outcome<()> {
    if let Ok(path) = std::env::var("SSLKEYLOGFILE") {
        connection.set_keylog(Box::new(OpenOptions::new().create(true).append(true).open(path)?));
    }
    Ok(())
}

/// Unpredictable enough for a test: connection IDs and reset tokens.
pub fn random<const LENGTH: usize>() -> [u8; LENGTH] {
    use std::hash::{BuildHasher, RandomState};
    let mut bytes = [0; LENGTH];
    for chunk in bytes.chunks_mut(8) {
        chunk.copy_from_slice(&RandomState::new().hash_one(0u8).to_ne_bytes()[..chunk.len()]);
    }
    bytes
}

/// A peer that migrates needs connection IDs in stock.
pub fn provide_ids(connection: &mut Connection) -> Vec<ConnectionId<'static>> {
    let mut made = Vec::new();
    while connection.is_established() && connection.scids_left() > 0 {
        let id = ConnectionId::from_vec(random::<16>().to_vec());
        if connection.new_scid(&id, u128::from_ne_bytes(random()), false).is_err() {
            break;
        }
        made.push(id);
    }
    made
}

/// One datagram if it comes in time.
pub fn receive(socket: &UdpSocket, buffer: &mut [u8], timeout: Option<Duration>) -> Outcome<Option<(usize, SocketAddr)>> {
    socket.set_nonblocking(timeout == Some(Duration::ZERO))?;
    socket.set_read_timeout(timeout.filter(|time| !time.is_zero()))?;
    match socket.recv_from(buffer) {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::ConnectionRefused) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

pub fn flush(socket: &UdpSocket, connection: &mut Connection) -> Outcome<()> {
    let mut buffer = [0; DATAGRAM_MAX];
    while let Ok((length, info)) = connection.send(&mut buffer) {
        match socket.send_to(&buffer[..length], info.to) {
            Ok(_) => {}
            // Full, or nobody listens: lost like any other datagram.
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::ConnectionRefused) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn main() -> Outcome<()> {
    let endpoint = Endpoint::new(REFUSALS)?;
    match endpoint.role {
        Role::Client => client::run(&endpoint),
        Role::Server => server::run(&endpoint),
    }
}
