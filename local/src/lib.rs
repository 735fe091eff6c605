//! Latchkey on one machine: the same use cases as in AWS, over an embedded DynamoDB.
//!
//! - [`Options`]: the command line
//! - [`Gateway`]: routes and events, as API Gateway makes them
//! - [`Protected`], [`NativeAuthorizer`]: routes of somebody's API behind authorizers
//! - [`Clock`]: the machine's, until somebody moves it
//! - `site`: the page, the contract to read and the clock's route, which no function in AWS has
//! - `connections`: connections and bodies, each with a time limit
//! - `https`: the certificate of `--https`
//! - [`OutboxStream`], [`SesStandIn`]: letters, from the stream of the store to an SES that keeps them
//! - [`Server`]: HTTP or HTTPS on 127.0.0.1
//! - [`Credentials`]: who may call the AWS around functions that run elsewhere
//! - [`AwsStandIn`]: that AWS
//! - [`ReadyFile`]: tells scripts where the server answers, once it does
//! - [`demo`]: the demo user and the words on the terminal

mod caller;
mod clock;
mod clock_control;
mod connections;
pub mod demo;
mod event;
mod gateway;
mod https;
mod mail;
mod native_authorizer;
mod options;
mod protected;
mod ready_file;
mod reference;
mod server;
mod site;
pub mod stand_in;

pub use caller::{CallerError, Credentials};
pub use clock::{Clock, Move, OutOfRange};
pub use event::HttpRequest;
pub use gateway::{Function, Gateway, ROUTES};
pub use https::HttpsError;
pub use mail::{MAIL_FROM, OutboxStream, SesStandIn};
pub use native_authorizer::{NativeApi, NativeAuthorizer, NativeRejection};
pub use options::Options;
pub use protected::Protected;
pub use ready_file::{ReadyFile, ReadyFileError};
pub use server::{Server, StartError};
use site::Site;
pub use stand_in::AwsStandIn;
