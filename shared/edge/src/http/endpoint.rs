//! One event in, one answer out. Whatever the event, the caller gets an HTTP answer and the process lives.

use std::{convert::Infallible, future::Future, panic::AssertUnwindSafe, time::Duration};

use http::Method;
use lambda_http::{Adapter, Body, Context, LambdaEvent, Service, request::LambdaRequest, service_fn};
use serde_json::{Value, json};
use token::Timestamp;

use crate::{
    Cors, Reason, Rejection, Request, Response, audit, guarded, lambda::logging::without_panic_line,
};

/// A use case that answers HTTP requests.
pub trait Endpoint: Sync {
    /// What the audit log calls it.
    const NAME: &'static str;
    /// The methods it takes; others are rejected with 405.
    const METHODS: &'static [Method];

    /// What is at `path`, for an endpoint of several paths.
    fn route(_path: &str) -> Route {
        Route { name: Self::NAME, methods: Self::METHODS }
    }

    /// Opens what answers will need, before the first request; whatever fails here is tried again then.
    fn warm_up(&self, _now: Timestamp) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// The form in which its callers are told of a rejection.
    fn rejected(rejection: &Rejection) -> Response {
        rejection.response()
    }

    /// The answer to `request`, which came at `now`.
    fn handle(
        &self,
        request: &Request,
        now: Timestamp,
    ) -> impl Future<Output = Result<Response, Rejection>> + Send;
}

/// What is at one path of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// What the audit log calls it.
    pub name: &'static str,
    /// The methods it takes; others are rejected with 405.
    pub methods: &'static [Method],
}

/// Answers one API Gateway 1.0 or 2.0, function URL or ALB event, as JSON of its own kind.
///
/// `lambda_http` panics on some events that can be sent to a function (broken base64, odd `Host`);
/// such an event is rejected with 400. An answer takes `limit` at most and is 503 then.
pub async fn respond<E: Endpoint>(
    endpoint: &E,
    cors: &Cors,
    event: &str,
    now: Timestamp,
    limit: Duration,
) -> Value {
    let unreadable = |message| unreadable::<E>(event, message);
    // A panic: the `http` crate has no room for more than 24,576 headers.
    let request = without_panic_line(|| {
        let mut request = serde_json::from_str::<LambdaRequest>(event)?;
        keep_repeated_headers(&mut request);
        Ok::<_, serde_json::Error>(request)
    });
    let request = match request {
        Ok(Ok(request)) => request,
        Ok(Err(_)) => {
            return unreadable("This event is none of API Gateway, a function URL or a load balancer.");
        }
        Err(_) => return unreadable("The request cannot be read: it has too many headers."),
    };
    let mut adapter = Adapter::from(service_fn(|request: lambda_http::Request| {
        answer(endpoint, cors, request, now, limit)
    }));
    let request = LambdaEvent::new(request, Context::default());
    match without_panic_line(AssertUnwindSafe(|| adapter.call(request))) {
        Ok(answering) => {
            let Ok(response) = answering.await;
            serde_json::to_value(response).unwrap_or_else(|_| unreadable("The answer cannot be written."))
        }
        Err(_) => unreadable("The request cannot be read: its body, host or query is malformed."),
    }
}

/// A REST API tells each header twice: every value, and the last one. `lambda_http` lets the second way win,
/// in which a header that was sent twice cannot be seen.
fn keep_repeated_headers(event: &mut LambdaRequest) {
    if let LambdaRequest::ApiGatewayV1(event) = event {
        for name in event.multi_value_headers.keys() {
            event.headers.remove(name);
        }
    }
}

async fn answer<E: Endpoint>(
    endpoint: &E,
    cors: &Cors,
    request: lambda_http::Request,
    now: Timestamp,
    limit: Duration,
) -> Result<http::Response<Body>, Infallible> {
    let mut request = Request::new(request);
    let admission = cors.origin().admit(&mut request);
    let request = request;
    let route = E::route(request.path());
    if let Err(rejection) = admission {
        audit::rejected(route.name, &request, &rejection);
        return Ok(E::rejected(&rejection).into_response());
    }
    if let Some(answer) = cors.preflight(&request, route) {
        return Ok(cors.open(&request, answer).into_response());
    }
    let response = match guarded(handle(endpoint, route, &request, now), limit).await {
        Ok(response) => audit::succeeded(route.name, &request, response),
        Err(rejection) => {
            audit::rejected(route.name, &request, &rejection);
            E::rejected(&rejection)
        }
    };
    Ok(cors.open(&request, response).into_response())
}

async fn handle<E: Endpoint>(
    endpoint: &E,
    route: Route,
    request: &Request,
    now: Timestamp,
) -> Result<Response, Rejection> {
    if route.methods.contains(request.method()) {
        endpoint.handle(request, now).await
    } else {
        Err(Reason::MethodNotAllowed(route.methods).into())
    }
}

/// A 400 in the form of the caller.
///
/// A load balancer with multi-value headers takes no others and wants a `statusDescription`, which a REST API would call
/// malformed.
fn unreadable<E: Endpoint>(event: &str, message: &str) -> Value {
    let rejection = Reason::InvalidRequest(message.to_owned()).into();
    audit::unreadable(E::NAME, &rejection, message);
    let told = E::rejected(&rejection).into_response();
    let mut response = json!({
        "statusCode": 400,
        "headers": {
            "content-type": "application/json",
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
        },
        "body": String::from_utf8_lossy(told.body()),
        "isBase64Encoded": false,
    });
    let event: Value = serde_json::from_str(event).unwrap_or_default();
    if event.pointer("/requestContext/elb").is_some()
        && let Value::Object(response) = &mut response
    {
        response.insert("statusDescription".to_owned(), json!("400 Bad Request"));
        if event.get("multiValueHeaders").is_some()
            && let Some(Value::Object(headers)) = response.remove("headers")
        {
            let lists: Value = headers.into_iter().map(|(name, value)| (name, json!([value]))).collect();
            response.insert("multiValueHeaders".to_owned(), lists);
        }
    }
    response
}
