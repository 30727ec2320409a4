//! HTTP/3 by the h3 crate.

use bytes::{Buf, Bytes};
use endpoint::{Endpoint, Outcome, Request};
use http::{Response, StatusCode};

pub async fn download(endpoint: &Endpoint, connection: quinn::Connection, requests: &[Request]) -> Outcome<()> {
    let (mut driver, mut sender) = h3::client::new(h3_quinn::Connection::new(connection)).await?;
    let drive = tokio::spawn(async move { std::future::poll_fn(|context| driver.poll_close(context)).await });
    for request in requests {
        let wanted = http::Request::get(format!("https://{}{}", request.authority, request.path)).body(())?;
        let mut stream = sender.send_request(wanted).await?;
        stream.finish().await?;
        let status = stream.recv_response().await?.status();
        if status != StatusCode::OK {
            return Err(format!("{}: {status}", request.path).into());
        }
        let mut body = Vec::new();
        while let Some(mut part) = stream.recv_data().await? {
            body.extend_from_slice(&part.copy_to_bytes(part.remaining()));
        }
        endpoint.save(&request.path, &body)?;
    }
    drive.abort();
    Ok(())
}

type Stream = h3::server::RequestStream<h3_quinn::BidiStream<Bytes>, Bytes>;

async fn answer(endpoint: &Endpoint, path: String, mut stream: Stream) -> Outcome<()> {
    let (status, body) = match endpoint.load(&path) {
        Ok(body) => (StatusCode::OK, body),
        Err(_) => (StatusCode::NOT_FOUND, Vec::new()),
    };
    stream.send_response(Response::builder().status(status).body(())?).await?;
    stream.send_data(Bytes::from(body)).await?;
    stream.finish().await?;
    Ok(())
}

pub async fn serve(endpoint: &'static Endpoint, connection: quinn::Connection) -> Outcome<()> {
    let mut http = h3::server::Connection::<_, Bytes>::new(h3_quinn::Connection::new(connection)).await?;
    while let Ok(Some(resolver)) = http.accept().await {
        let (request, stream) = resolver.resolve_request().await?;
        tokio::spawn(answer(endpoint, request.uri().path().to_owned(), stream));
    }
    Ok(())
}
