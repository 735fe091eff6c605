"""ministack with what template.yaml needs of AWS and ministack leaves out.

- RotateSecret begins a version without a value and calls the rotation function's four steps; ministack copies the old value.
- AWS::SecretsManager::RotationSchedule switches the rotation on and begins the first one.
- The Ref of a secret is its ARN, as functions and Secrets Manager name it to each other.
- Alarms of metric math, metric filters, saved queries, the secret's policy and CodeDeploy are taken, and nothing is evaluated: an alias moves
  at once.
- SAM's transform learns the values of the parameters, as on AWS.
- What a variable of Fn::Sub refers to is made first; ministack looks for references in its text alone.
- An arm64 function runs under qemu, and no x86_64 program runs as one.

It listens on 127.0.0.1 alone, on the port GATEWAY_PORT.
"""

import json
import os
import subprocess
import sys
import threading
import time
import types
import uuid

os.environ.setdefault("GATEWAY_PORT", "4566")
os.environ["BIND_HOST"] = "127.0.0.1"
os.environ["IOT_MTLS_ENABLED"] = "0"
ENDPOINT = f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}"
os.environ["AWS_ENDPOINT_URL"] = ENDPOINT

import boto3  # noqa: E402
import samtranslator.translator.transform as sam  # noqa: E402
from ministack.app import main  # noqa: E402
from ministack.services import cloudformation  # noqa: E402
from ministack.services import lambda_svc as functions  # noqa: E402
from ministack.services import secretsmanager as secrets  # noqa: E402
from ministack.services.cloudformation import changesets, engine, provisioners  # noqa: E402

STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"]
absent = secrets.error_response_json(
    "ResourceNotFoundException", "Secrets Manager can't find the specified secret value.", 400
)


def begin_rotation(secret):
    version = str(uuid.uuid4())
    secret["RotationEnabled"] = True
    for other in secret["Versions"].values():
        if "AWSPENDING" in other["Stages"]:
            other["Stages"].remove("AWSPENDING")
    secret["Versions"][version] = {
        "SecretString": None, "SecretBinary": None, "CreatedDate": int(time.time()), "Stages": ["AWSPENDING"],
    }
    threading.Thread(target=call_steps, args=(secret["RotationLambdaARN"], secret["ARN"], version)).start()
    return version


def call_steps(function, arn, version):
    client = boto3.client("lambda", endpoint_url=ENDPOINT, region_name=arn.split(":")[3])
    for step in STEPS:
        event = {"Step": step, "SecretId": arn, "ClientRequestToken": version}
        answer = client.invoke(FunctionName=function, Payload=json.dumps(event))
        if "FunctionError" in answer:
            print(f"rotation: {step} failed: {answer['Payload'].read().decode()}", file=sys.stderr)
            return
    print(f"rotation: {version} is in force", file=sys.stderr)


def rotate(request):
    _, secret = secrets._resolve(request.get("SecretId"))
    if not secret:
        return absent
    function = request.get("RotationLambdaARN") or secret.get("RotationLambdaARN")
    if not function:
        return secrets.error_response_json("InvalidRequestException", "No Lambda rotation function ARN.", 400)
    secret["RotationLambdaARN"] = function
    return secrets.json_response({"ARN": secret["ARN"], "Name": secret["Name"], "VersionId": begin_rotation(secret)})


def get_value(request):
    _, secret = secrets._resolve(request.get("SecretId"))
    if secret:
        stage = request.get("VersionStage", "AWSCURRENT")
        version = request.get("VersionId") or secrets._find_stage_version(secret, stage)[0]
        found = secret["Versions"].get(version)
        # AWS also rejects a version that does not have the stage that was asked for.
        if found and (found["SecretString"] is None or ("VersionStage" in request and stage not in found["Stages"])):
            return absent
    return original_get_value(request)


def create_secret(logical_id, properties, stack):
    _, attributes = original_create_secret(logical_id, properties, stack)
    return attributes["Arn"], attributes


def delete_secret(arn, properties):
    name, _ = secrets._resolve(arn)
    secrets._secrets.pop(name, None)


def create_schedule(logical_id, properties, stack):
    _, secret = secrets._resolve(properties["SecretId"])
    secret["RotationLambdaARN"] = properties["RotationLambdaARN"]
    begin_rotation(secret)
    return properties["SecretId"], {}


def create_function(logical_id, properties, stack):
    """Makes or updates a function. An update keeps versions, aliases and permissions, which ministack forgets."""
    before = functions._functions.get(provisioners._physical_name(stack, logical_id, max_len=64))
    name, attributes = original_create_function(logical_id, properties, stack)
    if before:
        functions._functions[name].update({kept: before[kept] for kept in ("versions", "next_version", "aliases", "policy")})
    return name, attributes


def create_alarm(logical_id, properties, stack):
    if "Metrics" in properties:
        return f"{stack}-{logical_id}", {}
    return original_create_alarm(logical_id, properties, stack)


def accept(logical_id, properties, stack):
    return f"{stack}-{logical_id}", {}


changing = {}


def extract_members(request, kind):
    members = original_extract_members(request, kind)
    if kind == "Parameters":
        changing.update(stack=changesets._p(request, "StackName"), parameters=members)
    return members


def transform(template, _no_parameters, *policies):
    before = cloudformation._stacks.get(changing["stack"], {}).get("_resolved_params", {})
    resolved = changesets._resolve_parameters(template, changing["parameters"], before)
    return original_transform(template, {name: str(each["Value"]) for name, each in resolved.items()}, *policies)


original_extract_members, changesets._extract_members = changesets._extract_members, extract_members
original_transform, sam.transform = sam.transform, transform



def variables(value):
    """The maps of variables of every Fn::Sub in `value`."""
    if isinstance(value, list):
        return [each for item in value for each in variables(item)]
    if not isinstance(value, dict):
        return []
    of_this = value["Fn::Sub"][1:] if isinstance(value.get("Fn::Sub"), list) else []
    return [*of_this, *variables(list(value.values()))]


def dependencies(definition, names):
    with_variables = {"Properties": variables(definition)}
    return original_dependencies(definition, names) | original_dependencies(with_variables, names)


original_dependencies, engine._extract_deps = engine._extract_deps, dependencies

running = threading.local()


def execute(function, event):
    running.architectures = function["config"].get("Architectures", ["x86_64"])
    return original_execute(function, event)


def start_process(command, **options):
    if running.architectures == ["arm64"]:
        command = ["/usr/bin/qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu", *command]
    return subprocess.Popen(command, **options)


original_execute, functions._execute_function_provided = functions._execute_function_provided, execute
functions.subprocess = types.SimpleNamespace(**{**vars(subprocess), "Popen": start_process})
handlers = provisioners._RESOURCE_HANDLERS
original_get_value, secrets._get_secret_value = secrets._get_secret_value, get_value
secrets._rotate_secret = rotate
original_create_secret = handlers["AWS::SecretsManager::Secret"]["create"]
original_create_function = handlers["AWS::Lambda::Function"]["create"]
original_create_alarm = handlers["AWS::CloudWatch::Alarm"]["create"]
nothing = {"delete": lambda physical_id, properties: None}
handlers["AWS::SecretsManager::Secret"] = {"create": create_secret, "delete": delete_secret}
handlers["AWS::Lambda::Function"]["create"] = create_function
handlers["AWS::SecretsManager::RotationSchedule"] = {"create": create_schedule, **nothing}
handlers["AWS::CloudWatch::Alarm"] = {"create": create_alarm, **nothing}
handlers["AWS::SecretsManager::ResourcePolicy"] = {"create": accept, **nothing}
handlers["AWS::CodeDeploy::Application"] = {"create": accept, **nothing}
handlers["AWS::CodeDeploy::DeploymentGroup"] = {"create": accept, **nothing}
handlers["AWS::Logs::MetricFilter"] = {"create": accept, **nothing}
handlers["AWS::Logs::QueryDefinition"] = {"create": accept, **nothing}
main()
