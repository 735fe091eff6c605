"""Questions about what was deployed to the emulator: stack.py output|configuration|delete ARGUMENTS..."""

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


def delete(stack):
    """Deletes the stack. The emulator knows no DeletionPolicy, so it cannot show that users and keys stay."""
    cloudformation = boto3.client("cloudformation")
    cloudformation.delete_stack(StackName=stack)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    functions = boto3.client("lambda").list_functions()["Functions"]
    assert not [each for each in functions if each["FunctionName"].startswith(f"{stack}-")], functions
    print("the stack is deleted")


{"output": output, "configuration": configuration, "delete": delete}[sys.argv[1]](*sys.argv[2:])
