"""What SAM's own transform makes of TrafficShifting and Release; no emulator has CodeDeploy. Run in the repository's root."""

import contextlib
import io
import os
import types

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
# Those that are there by default, and those that a parameter switches on.
ALWAYS, SWITCHED = 8, {"AccessToken": "AccessTokensAreOn", "ClientToken": "MachineClientsAreOn", "Redeem": "CodesAreOn",
                    "RequestLetter": "MailIsOn"}


def resources(**parameters):
    """The resources of a deployment with these parameters, by type and name."""
    template = yaml_parse(open("template.yaml").read())
    template["Globals"]["Function"]["CodeUri"] = "s3://bucket/key"
    with contextlib.redirect_stderr(io.StringIO()):
        made = transform(template, parameters, types.SimpleNamespace(load=dict))["Resources"]
    found = {}
    for name, resource in made.items():
        found.setdefault(resource["Type"], {})[name] = resource
    return found


off = resources()
assert not [kind for kind in off if kind.startswith("AWS::CodeDeploy")], off.keys()
assert not [alias for alias in off["AWS::Lambda::Alias"].values() if "UpdatePolicy" in alias]
print("ok: without TrafficShifting SAM makes nothing of CodeDeploy")

on = resources(TrafficShifting="Canary10Percent5Minutes", Release="1764245000")
assert len(on["AWS::CodeDeploy::Application"]) == 1
groups = on["AWS::CodeDeploy::DeploymentGroup"]
assert len(groups) == len(on["AWS::Lambda::Alias"]) == ALWAYS + len(SWITCHED)
for kind, suffix in (("AWS::CodeDeploy::DeploymentGroup", "DeploymentGroup"), ("AWS::Lambda::Alias", "Aliaslive")):
    conditions = {name.removesuffix(suffix): each["Condition"] for name, each in on[kind].items() if "Condition" in each}
    assert conditions == SWITCHED, (kind, conditions)
for name, group in groups.items():
    properties = group["Properties"]
    assert properties["AlarmConfiguration"] == {
        "Enabled": True, "Alarms": [{"Name": {"Ref": "ServerErrors"}}, {"Name": {"Ref": "Unavailable"}}],
    }, name
    assert "DEPLOYMENT_STOP_ON_ALARM" in properties["AutoRollbackConfiguration"]["Events"], name
    config = properties["DeploymentConfigName"]["Fn::Sub"][1]["ConfigName"]
    assert config == "Canary10Percent5Minutes" and "ShiftingRole" in str(properties["ServiceRoleArn"]), name
for name, alias in on["AWS::Lambda::Alias"].items():
    update = alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
    assert update["DeploymentGroupName"]["Ref"] in groups, name
assert "CodeDeployServiceRole" not in on["AWS::IAM::Role"], "a role without PermissionsBoundary"
print("ok: with it CodeDeploy moves the alias of every function, and two alarms move it back")

def versions(**parameters):
    return set(resources(TrafficShifting="AllAtOnce", **parameters)["AWS::Lambda::Version"])


assert versions(Release="1") == versions(Release="1", ExpirationDelta="2h")
assert not versions(Release="1") & versions(Release="2")
print("ok: a version is a Release, whatever else changes")
