//! The connection of a client command, and the wording of its failures.

use std::error::Error;
use std::time::Duration;

use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use super::args::EndpointArgs;
use super::failure::{Failure, Outcome};

/// Runs a client command until it ends or the user presses ctrl-c.
pub(crate) fn run(command: impl Future<Output = Result<Outcome, Failure>>) -> Result<Outcome, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(command)
}

impl EndpointArgs {
    /// Connects to the server of the flags.
    pub(crate) async fn connect(&self) -> Result<Channel, Failure> {
        // `host:port` without a scheme means HTTP.
        let url = if self.endpoint.contains("://") {
            self.endpoint.clone()
        } else {
            format!("http://{}", self.endpoint)
        };
        let endpoint = Endpoint::from_shared(url.clone()).ok().filter(|e| e.uri().host().is_some());
        let endpoint = endpoint.ok_or_else(|| {
            Failure::Usage(format!(
                "--endpoint {:?} is not an address, must be like http://127.0.0.1:7717",
                self.endpoint
            ))
        })?;
        let connected = endpoint.connect_timeout(self.timeout()).connect().await;
        connected.map_err(|error| {
            let reason = root(&error);
            Failure::Failed(format!(
                "cannot reach {url}: {reason}; is a node running there? (see --endpoint)"
            ))
        })
    }

    /// Makes a request with the deadline of the flags.
    pub(crate) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.set_timeout(self.timeout());
        request
    }

    fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }
}

/// Describes a rejected or failed call in one line.
pub(crate) fn failed(status: &Status) -> Failure {
    let message = status.message();
    match status.code() {
        Code::InvalidArgument => Failure::Usage(format!("rejected: {message}")),
        Code::Unimplemented => {
            Failure::Failed("this node does not serve that call; call an aggregator (see --endpoint)".into())
        }
        Code::DeadlineExceeded | Code::Cancelled => {
            Failure::Failed(format!("no answer in time ({message}); see --timeout-ms"))
        }
        Code::NotFound | Code::FailedPrecondition => Failure::Failed(message.to_owned()),
        code => Failure::Failed(format!("the server answered {code:?}: {message}")),
    }
}

/// Returns the innermost cause, for example "connection refused" instead of "transport error".
fn root(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
