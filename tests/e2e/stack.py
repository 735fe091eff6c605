"""Questions about what was deployed to the emulator: stack.py output|configuration|kept ARGUMENTS..."""

import pathlib
import sys
import tomllib

import boto3


def output(stack, key):
    described = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    print(next(each["OutputValue"] for each in described["Outputs"] if each["OutputKey"] == key))


def configuration(*functions):
    """What cargo lambda deploy made of the package metadata."""
    client = boto3.client("lambda")
    for function in functions:
        manifest = tomllib.loads(pathlib.Path(f"functions/{function}/Cargo.toml").read_text())
        asked = manifest["package"]["metadata"]["lambda"]["deploy"]
        made = client.get_function_configuration(FunctionName=function)
        assert (made["MemorySize"], made["Timeout"], made["Role"]) == (asked["memory"], asked["timeout"], asked["role"])
        assert made["Architectures"] == ["x86_64"] and made["Runtime"] == "provided.al2023", made
        variables = made["Environment"]["Variables"]
        assert dict(pair.split("=", 1) for pair in asked["env_var"]).items() <= variables.items(), variables
        assert variables["USERS_TABLE"] == "latchkey-users", variables
        print(f"{function}: {made['MemorySize']} MB, {made['Timeout']} s, {made['Role']}, {len(variables)} variables")


def kept(table, secret):
    """Users and keys outlive the stack."""
    assert boto3.client("dynamodb").describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE"
    assert boto3.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]
    print("table and secret are there after the stack is deleted")


{"output": output, "configuration": configuration, "kept": kept}[sys.argv[1]](*sys.argv[2:])
