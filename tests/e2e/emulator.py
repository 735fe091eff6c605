"""ministack with what template.yaml needs of AWS and ministack leaves out.

- RotateSecret begins a version without a value and calls the rotation function's four steps; ministack copies the old value.
- AWS::SecretsManager::RotationSchedule switches the rotation on and begins the first one.
- The Ref of a secret is its ARN, as functions and Secrets Manager name it to each other.
- Alarms of metric math, metric filters and the secret's policy are taken, and nothing is evaluated.

It listens on 127.0.0.1 alone, on the port GATEWAY_PORT.
"""

import json
import os
import sys
import threading
import time
import uuid

os.environ.setdefault("GATEWAY_PORT", "4566")
os.environ["BIND_HOST"] = "127.0.0.1"
os.environ["IOT_MTLS_ENABLED"] = "0"
ENDPOINT = f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}"
os.environ["AWS_ENDPOINT_URL"] = ENDPOINT

import boto3  # noqa: E402
from ministack.app import main  # noqa: E402
from ministack.services import secretsmanager as secrets  # noqa: E402
from ministack.services.cloudformation import provisioners  # noqa: E402

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


def create_alarm(logical_id, properties, stack):
    if "Metrics" in properties:
        return f"{stack}-{logical_id}", {}
    return original_create_alarm(logical_id, properties, stack)


def accept(logical_id, properties, stack):
    return f"{stack}-{logical_id}", {}


handlers = provisioners._RESOURCE_HANDLERS
original_get_value, secrets._get_secret_value = secrets._get_secret_value, get_value
secrets._rotate_secret = rotate
original_create_secret = handlers["AWS::SecretsManager::Secret"]["create"]
original_create_alarm = handlers["AWS::CloudWatch::Alarm"]["create"]
nothing = {"delete": lambda physical_id, properties: None}
handlers["AWS::SecretsManager::Secret"] = {"create": create_secret, "delete": delete_secret}
handlers["AWS::SecretsManager::RotationSchedule"] = {"create": create_schedule, **nothing}
handlers["AWS::CloudWatch::Alarm"] = {"create": create_alarm, **nothing}
handlers["AWS::SecretsManager::ResourcePolicy"] = {"create": accept, **nothing}
handlers["AWS::Logs::MetricFilter"] = {"create": accept, **nothing}
main()
