# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verbs that say who may do what: roles, providers, repositories, secrets. Made, kept, put right, refused."""

from __future__ import annotations

import datetime
import json
import typing as t
from unittest import mock

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.steadystate.ecs.plugins.module_utils._verb import Context, Verb, VerbFailure
from ansible_collections.steadystate.ecs.plugins.module_utils._verbs import (
    aws_identity_info,
    ecr_pull_through_cache_rule,
    ecr_repository,
    ecs_secret_users_info,
    ecs_secrets,
    iam_oidc_provider,
    iam_role,
)
from ansible_collections.steadystate.ecs.tests.unit.plugins.module_utils.rollouts.fake_ecs import FakeClock, refused

from .moto_account import SESSION, empty_account

KEYS = {"region_name": "eu-west-1", "aws_access_key_id": "a", "aws_secret_access_key": "b"}


class Account:
    """An account of moto's, with clients of the test's own in place of some."""

    def __init__(self, **clients: t.Any) -> None:
        self.clients = clients
        self.calls: list[str] = []

    def client(self, service: str) -> t.Any:
        if service not in self.clients:
            self.clients[service] = SESSION.client(service, **KEYS)
            self.clients[service].meta.events.register("before-call", lambda model, **_: self.calls.append(model.name))
        return self.clients[service]

    def run(self, verb: Verb, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        validated = ArgumentSpecValidator(verb.argument_spec, required_if=verb.required_if).validate(options)
        assert not validated.error_messages, validated.error_messages
        self.calls.clear()
        context = Context(self.client, FakeClock(), lambda line: None, lambda line: None, check_mode=check, diff_mode=True)
        return verb.run(validated.validated_parameters, context)

    def twice(self, verb: Verb, **options: t.Any) -> dict[str, t.Any]:
        """Check mode foretells the change, one run makes it, and the next one finds nothing to do and writes nothing."""
        foretold = self.run(verb, check=True, **options)
        assert foretold["changed"]
        assert not self.writes, self.writes
        made = self.run(verb, **options)
        assert made["changed"]
        assert made["diff"] == foretold["diff"]
        again = self.run(verb, **options)
        assert not again["changed"], again
        assert again["diff"]["before"] == again["diff"]["after"]
        assert not self.writes, self.writes
        assert not self.run(verb, check=True, **options)["changed"]
        return made

    @property
    def writes(self) -> list[str]:
        return [name for name in self.calls if not name.startswith(("Get", "List", "Describe", "BatchGet"))]


@pytest.fixture
def account() -> t.Iterator[Account]:
    with empty_account():
        yield Account()


def policy(*actions: str) -> dict[str, t.Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}


TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def test_who_calls_is_told(account: Account) -> None:
    found = account.run(aws_identity_info.VERB)
    assert (found["account"], found["region"], found["partition"]) == ("123456789012", "eu-west-1", "aws")
    assert found["arn"].startswith("arn:aws:")


def test_a_role_is_made_with_everything_and_kept(account: Account) -> None:
    managed = account.client("iam").create_policy(PolicyName="shared", PolicyDocument=json.dumps(policy("s3:GetObject")))["Policy"]["Arn"]
    options: dict[str, t.Any] = {
        "name": "api",
        "trust_policy": TRUST,
        "description": "for the api",
        "max_session_duration": 7200,
        "boundary": managed,
        "managed_policies": [managed],
        "policies": {"own": policy("sqs:SendMessage")},
        "instance_profile": True,
        "tags": {"project": "shop", "number": 1},
    }
    made = account.twice(iam_role.VERB, **options)
    assert made["role"] == {
        "name": "api",
        "arn": "arn:aws:iam::123456789012:role/api",
        "instance_profile_arn": "arn:aws:iam::123456789012:instance-profile/api",
    }
    assert made["changes"][0] == "role api is created"
    # What no option speaks of is left alone; what one does is put right.
    assert not account.run(iam_role.VERB, name="api")["changed"]
    changed = account.twice(
        iam_role.VERB, name="api", managed_policies=[], policies={"other": policy("sqs:*")}, boundary="", tags={"number": 2}, description=""
    )
    assert changed["changes"] == [
        "description or session duration",
        "permissions boundary",
        "managed policy shared is detached",
        "policy other is written",
        "policy own is deleted",
        "tag number",
    ]
    assert account.run(iam_role.VERB, name="api")["diff"]["after"]["tags"] == {"project": "shop", "number": "2"}
    assert account.twice(iam_role.VERB, name="api", trust_policy={**TRUST, "Statement": [{**TRUST["Statement"][0], "Sid": "a"}]})[
        "changes"
    ] == ["trust policy"]


def test_a_profile_that_was_left_without_its_role_gets_it(account: Account) -> None:
    account.client("iam").create_instance_profile(InstanceProfileName="api")
    assert account.twice(iam_role.VERB, name="api", trust_policy=TRUST, instance_profile=True)["changes"] == [
        "role api is created",
        "instance profile",
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": "a b", "trust_policy": TRUST}, "name: a b is no name for a role"),
        ({"name": "a" * 65, "trust_policy": TRUST}, "1 to 64"),
        ({"name": "api"}, "trust_policy: there is no role api"),
        ({"name": "api", "policies": {"p": "text"}}, "policies: p is no policy document"),
        ({"name": "api", "policies": {"p": {"Version": "2012-10-17", "Statement": []}}}, "at least one Statement"),
        ({"name": "api", "policies": {"p": policy(*(f"s3:{number}" for number in range(2000)))}}, "IAM takes 10240"),
        ({"name": "api", "max_session_duration": 60}, "max_session_duration: 60 s"),
        ({"name": "taken", "trust_policy": TRUST, "instance_profile": True}, "the instance profile taken holds the role api"),
    ],
)
def test_a_wrong_role_is_refused_before_anything_is_written(account: Account, options: dict[str, t.Any], said: str) -> None:
    iam = account.client("iam")
    if options["name"] == "taken":
        iam.create_role(RoleName="api", AssumeRolePolicyDocument=json.dumps(TRUST))
        iam.create_instance_profile(InstanceProfileName="taken")
        iam.add_role_to_instance_profile(InstanceProfileName="taken", RoleName="api")
    with pytest.raises(VerbFailure, match=said):
        account.run(iam_role.VERB, **options)
    assert not account.writes


URL = "https://token.actions.githubusercontent.com"
ARN = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"


class Providers:
    """IAM's calls for OpenID Connect providers. `before_create` runs as if somebody else came in between."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, t.Any]] = {}
        self.writes: list[str] = []
        self.before_create: t.Callable[[], t.Any] = lambda: None

    def get_open_id_connect_provider(self, **request: t.Any) -> dict[str, t.Any]:
        if request["OpenIDConnectProviderArn"] not in self.found:
            raise refused("NoSuchEntity", "none", "GetOpenIDConnectProvider")
        return self.found[request["OpenIDConnectProviderArn"]]

    def create_open_id_connect_provider(self, **request: t.Any) -> None:
        self.before_create()
        if ARN in self.found:
            raise refused("EntityAlreadyExistsException", "there", "CreateOpenIDConnectProvider")
        # IAM finds a thumbprint by itself.
        self.found[ARN] = {"ThumbprintList": ["a" * 40], **request}
        self.writes.append("create")

    def delete_open_id_connect_provider(self, **request: t.Any) -> None:
        del self.found[request["OpenIDConnectProviderArn"]]
        self.writes.append("delete")

    def add_client_id_to_open_id_connect_provider(self, **request: t.Any) -> None:
        self.found[ARN]["ClientIDList"].append(request["ClientID"])
        self.writes.append("add")

    def remove_client_id_from_open_id_connect_provider(self, **request: t.Any) -> None:
        self.found[ARN]["ClientIDList"].remove(request["ClientID"])
        self.writes.append("remove")

    def update_open_id_connect_provider_thumbprint(self, **request: t.Any) -> None:
        self.found[ARN]["ThumbprintList"] = request["ThumbprintList"]
        self.writes.append("thumbprint")

    def tag_open_id_connect_provider(self, **request: t.Any) -> None:
        self.found[ARN].setdefault("Tags", []).extend(request["Tags"])
        self.writes.append("tag")


def test_a_provider_is_made_kept_and_shared(account: Account) -> None:
    providers = Providers()
    account.clients["iam"] = providers
    made = account.twice(
        iam_oidc_provider.VERB, url=URL, audiences=["sts.amazonaws.com"], tags={"managed-by": "us"}, thumbprints=["B" * 40]
    )
    assert made["arn"] == ARN
    assert made["provider"] == {"audiences": ["sts.amazonaws.com"], "thumbprints": ["b" * 40], "tags": {"managed-by": "us"}}
    # Another environment of the account adds its own, and takes nothing away.
    account.run(iam_oidc_provider.VERB, url=URL + "/", audiences=["other"], tags={"more": "1"})
    assert providers.found[ARN]["ClientIDList"] == ["sts.amazonaws.com", "other"]
    assert providers.found[ARN]["ThumbprintList"] == ["b" * 40]
    account.run(iam_oidc_provider.VERB, url=URL, audiences=["other"], purge_audiences=True, thumbprints=["c" * 40])
    assert providers.found[ARN]["ClientIDList"] == ["other"]
    assert providers.writes == ["create", "add", "tag", "remove", "thumbprint"]
    assert account.run(iam_oidc_provider.VERB, url=URL, state="absent", check=True)["changed"]
    assert account.run(iam_oidc_provider.VERB, url=URL, state="absent")["provider"] is None
    assert not account.run(iam_oidc_provider.VERB, url=URL, state="absent")["changed"]
    assert providers.writes[-1] == "delete"


def test_thumbprints_are_optional_and_stay_as_iam_found_them(account: Account) -> None:
    account.clients["iam"] = Providers()
    account.run(iam_oidc_provider.VERB, url=URL, audiences=["sts.amazonaws.com"])
    again = account.run(iam_oidc_provider.VERB, url=URL, audiences=["sts.amazonaws.com"])
    assert not again["changed"]
    assert again["provider"]["thumbprints"] == ["a" * 40]


def test_a_provider_that_somebody_makes_meanwhile_is_completed(account: Account) -> None:
    providers = Providers()
    account.clients["iam"] = providers
    providers.before_create = lambda: providers.found.setdefault(ARN, {"ClientIDList": ["theirs"]})
    account.run(iam_oidc_provider.VERB, url=URL, audiences=["ours"])
    assert providers.found[ARN]["ClientIDList"] == ["theirs", "ours"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"url": "http://gitlab.com"}, "url: http://gitlab.com is no issuer"),
        ({"url": "https://gitlab.com?a=b"}, "is no issuer"),
        ({"url": URL}, "audiences: a new provider needs at least one"),
        ({"url": URL, "audiences": ["a"], "thumbprints": ["zz"]}, "thumbprints: zz is no SHA-1"),
    ],
)
def test_a_wrong_provider_is_refused(account: Account, options: dict[str, t.Any], said: str) -> None:
    account.clients["iam"] = Providers()
    with pytest.raises(VerbFailure, match=said):
        account.run(iam_oidc_provider.VERB, **options)
    assert not account.clients["iam"].writes


def test_a_repository_is_made_with_everything_and_kept(account: Account) -> None:
    options: dict[str, t.Any] = {
        "name": "shop/api",
        "tag_exceptions": ["latest"],
        "keep_images": 20,
        "expire_untagged_days": 7,
        "protected_tags": ["deployed-*"],
        "policy": {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"AWS": "210987654321"}, "Action": "ecr:BatchGetImage"}],
        },
        "tags": {"project": "shop"},
    }
    made = account.twice(ecr_repository.VERB, **options)
    assert made["changes"] == ["repository", "lifecycle_policy", "policy"]
    assert made["repository"] == {
        "name": "shop/api",
        "arn": "arn:aws:ecr:eu-west-1:123456789012:repository/shop/api",
        "uri": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/api",
    }
    assert made["diff"]["after"]["tag_mutability"] == "IMMUTABLE_WITH_EXCLUSION"
    changed = account.twice(
        ecr_repository.VERB,
        name="shop/api",
        tag_mutability="mutable",
        scan_on_push=False,
        keep_images=0,
        expire_untagged_days=0,
        policy={},
        tags={"more": 1},
    )
    assert changed["changes"] == ["tag_mutability", "scan_on_push", "lifecycle_policy", "policy", "tags"]
    left = account.run(ecr_repository.VERB, name="shop/api", tag_mutability="mutable", scan_on_push=False)
    assert not left["changed"]
    assert left["diff"]["after"]["tags"] == {"more": "1", "project": "shop"}
    assert left["diff"]["after"]["lifecycle_policy"] == {}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": "Shop"}, "name: Shop is no repository name"),
        ({"name": "a" * 257}, "2 to 256"),
        ({"name": "shop", "tag_exceptions": list("abcdef")}, "tag_exceptions: 6 patterns"),
        ({"name": "shop", "tag_exceptions": ["a b"]}, "tag_exceptions: 'a b' is no pattern"),
        ({"name": "shop", "protected_tags": [""]}, "protected_tags: '' is no pattern"),
        ({"name": "shop", "keep_images": -1}, "keep_images: -1"),
        ({"name": "shop", "keep_protected": 0}, "keep_protected: 0"),
        ({"name": "shop", "kms_key": "k"}, "kms_key: a key is used with encryption KMS"),
        ({"name": "there", "encryption": "KMS"}, "encryption: there is encrypted with AES256, and ECR cannot change that to KMS"),
    ],
)
def test_a_wrong_repository_is_refused_before_anything_is_written(account: Account, options: dict[str, t.Any], said: str) -> None:
    account.client("ecr").create_repository(repositoryName="there")
    with pytest.raises(VerbFailure, match=said):
        account.run(ecr_repository.VERB, **options)
    assert not account.writes


def test_a_botocore_that_knows_no_exceptions_is_named(account: Account) -> None:
    with mock.patch.object(account.client("ecr").meta.service_model, "operation_model") as model:
        model.return_value.input_shape.members = {"repositoryName": None}
        with pytest.raises(VerbFailure, match=r"tag_exceptions: botocore [\d.]+ does not know them"):
            account.run(ecr_repository.VERB, name="shop", tag_exceptions=["latest"])


class Rules:
    def __init__(self) -> None:
        self.found: dict[str, dict[str, t.Any]] = {}
        self.writes: list[str] = []

    def describe_pull_through_cache_rules(self, **request: t.Any) -> dict[str, t.Any]:
        prefix = request["ecrRepositoryPrefixes"][0]
        if prefix not in self.found:
            raise refused("PullThroughCacheRuleNotFoundException", "none", "DescribePullThroughCacheRules")
        return {"pullThroughCacheRules": [self.found[prefix]]}

    def create_pull_through_cache_rule(self, **request: t.Any) -> None:
        self.found[request["ecrRepositoryPrefix"]] = request
        self.writes.append("create")

    def update_pull_through_cache_rule(self, **request: t.Any) -> None:
        self.found[request["ecrRepositoryPrefix"]] |= request
        self.writes.append("update")

    def delete_pull_through_cache_rule(self, **request: t.Any) -> None:
        del self.found[request["ecrRepositoryPrefix"]]
        self.writes.append("delete")


def test_a_cache_rule_is_made_kept_and_its_upstream_is_fixed(account: Account) -> None:
    rules = Rules()
    account.clients["ecr"] = rules
    credentials = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:ecr-pullthroughcache/hub"
    made = account.twice(ecr_pull_through_cache_rule.VERB, prefix="hub", upstream_url="registry-1.docker.io", credential_arn=credentials)
    assert made["rule"] == {"prefix": "hub", "upstream_url": "registry-1.docker.io", "credential_arn": credentials}
    account.twice(ecr_pull_through_cache_rule.VERB, prefix="hub", upstream_url="registry-1.docker.io", credential_arn=credentials + "-b")
    with pytest.raises(VerbFailure, match=r"upstream_url: the rule of hub has registry-1.docker.io, and ECR cannot change that to quay.io"):
        account.run(ecr_pull_through_cache_rule.VERB, prefix="hub", upstream_url="quay.io")
    assert account.run(ecr_pull_through_cache_rule.VERB, prefix="hub", state="absent")["rule"] is None
    assert not account.run(ecr_pull_through_cache_rule.VERB, prefix="hub", state="absent")["changed"]
    assert rules.writes == ["create", "update", "delete"]
    for options, said in (
        ({"prefix": "Hub", "upstream_url": "quay.io"}, "prefix: Hub"),
        ({"prefix": "hub", "upstream_url": "quay.io", "credential_arn": "arn:x"}, "credential_arn: arn:x is not the ARN of a secret"),
    ):
        with pytest.raises(VerbFailure, match=said):
            account.run(ecr_pull_through_cache_rule.VERB, **options)


HUSH = "hush-hush-value"
SECRETS: list[dict[str, t.Any]] = [
    {"name": "/shop/url", "value": HUSH, "description": "where", "tags": {"a": 1}},
    {"name": "/shop/key", "generate": {"length": 40}},
    {"name": "shop/db", "store": "secretsmanager", "values": {"user": HUSH}, "generate": {"key": "password"}},
    {"name": "shop/token", "store": "secretsmanager", "generate": {}},
]


def values(account: Account) -> dict[str, str]:
    ssm, manager = account.client("ssm"), account.client("secretsmanager")
    found = {
        item["Name"]: item["Value"] for item in ssm.get_parameters(Names=["/shop/url", "/shop/key"], WithDecryption=True)["Parameters"]
    }
    return found | {name: manager.get_secret_value(SecretId=name)["SecretString"] for name in ("shop/db", "shop/token")}


def test_secrets_are_kept_and_never_shown(account: Account) -> None:
    made = account.twice(ecs_secrets.VERB, secrets=SECRETS, tags={"project": "shop"})
    kept = values(account)
    assert kept["/shop/url"] == HUSH
    assert len(kept["/shop/key"]) == 40
    assert json.loads(kept["shop/db"])["user"] == HUSH
    assert [each["change"] for each in made["secrets"]] == ["created"] * 4
    assert [each["name"] for each in made["secrets"]] == [entry["name"] for entry in SECRETS]
    assert all(each["changed_at"] for each in made["secrets"])
    assert made["secrets"][0]["arn"] == "arn:aws:ssm:eu-west-1:123456789012:parameter/shop/url"
    parameter = account.client("ssm").describe_parameters()["Parameters"][0]
    assert (parameter["Type"], parameter["Description"]) == ("SecureString", "where")

    other = [{**SECRETS[0], "value": HUSH + "-2"}, SECRETS[1], {**SECRETS[2], "values": {"user": "other"}}, {**SECRETS[3], "rotate": True}]
    foretold = account.run(ecs_secrets.VERB, check=True, secrets=other)
    assert [each["changed_at"] is None for each in foretold["secrets"]] == [True, False, True, True]
    changed = account.run(ecs_secrets.VERB, secrets=other)
    assert changed["changes"] == ["/shop/url: value changed", "shop/db: value changed", "shop/token: value changed"]
    now = values(account)
    assert (now["/shop/url"], now["/shop/key"]) == (HUSH + "-2", kept["/shop/key"])
    # Another user, the same generated password.
    assert json.loads(now["shop/db"]) == {**json.loads(kept["shop/db"]), "user": "other"}
    assert now["shop/token"] != kept["shop/token"]
    for result in (made, foretold, changed):
        assert not [
            value for value in (*kept.values(), *now.values(), HUSH, json.loads(kept["shop/db"])["password"]) if value in json.dumps(result)
        ]
    tagged = account.run(ecs_secrets.VERB, secrets=[*other[:3], SECRETS[3]], tags={"more": "1"})
    assert {each["change"] for each in tagged["secrets"]} == {"tags changed"}


def test_what_is_only_generated_is_not_decrypted(account: Account) -> None:
    ssm = account.client("ssm")
    account.run(ecs_secrets.VERB, secrets=SECRETS[1:2])
    asked: list[bool] = []
    ssm.meta.events.register("provide-client-params.ssm.GetParameters", lambda params, **_: asked.append(params["WithDecryption"]))
    assert not account.run(ecs_secrets.VERB, secrets=SECRETS[1:2])["changed"]
    assert asked == [False]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"name": "/a b", "value": "x"}, r"secrets\[0\].name: /a b is no name in ssm"),
        ({"name": "/a"}, "/a has no value"),
        ({"name": "/a", "value": "x", "values": {}}, "/a has value and values"),
        ({"name": "/a", "value": "x", "generate": {}}, "/a has value"),
        ({"name": "/a", "value": ""}, "the value of /a is empty"),
        ({"name": "/a", "generate": {"key": "p"}}, r"secrets\[0\].generate.key"),
        ({"name": "/a", "values": {"u": 1}, "generate": {}}, r"secrets\[0\].generate.key"),
        ({"name": "/a", "generate": {"length": 4}}, "generate.length: 4 characters"),
        ({"name": "/a", "value": "x", "rotate": True}, "rotate: the value of /a is given"),
        ({"name": "/a", "value": "x" * 4097}, "the value of /a has 4097 bytes, and ssm takes 4096. Keep it in secretsmanager"),
        ({"name": "/plain", "value": "x"}, "the parameter /plain is a String"),
    ],
)
def test_a_wrong_secret_is_refused_before_anything_is_written(account: Account, entry: dict[str, t.Any], said: str) -> None:
    account.client("ssm").put_parameter(Name="/plain", Value="x", Type="String")
    with pytest.raises(VerbFailure, match=said):
        account.run(ecs_secrets.VERB, secrets=[entry])
    assert not account.writes


def test_a_secret_is_named_once(account: Account) -> None:
    with pytest.raises(VerbFailure, match="/a is there twice"):
        account.run(ecs_secrets.VERB, secrets=[{"name": "/a", "value": "x"}] * 2)


NOON = datetime.datetime(2026, 11, 21, 12, tzinfo=datetime.timezone.utc)
PARAMETER_ARN = "arn:aws:ssm:eu-west-1:123456789012:parameter/shop/url"


class Services:
    """Two services, of which one reads the secret, with tasks that started at noon and an hour later."""

    def list_services(self, **request: t.Any) -> dict[str, t.Any]:
        if request["cluster"] != "main":
            raise refused("ClusterNotFoundException", "none", "ListServices")
        return {
            "serviceArns": ["arn:aws:ecs:eu-west-1:123456789012:service/main/api", "arn:aws:ecs:eu-west-1:123456789012:service/main/other"]
        }

    def get_paginator(self, name: str) -> t.Any:
        return mock.Mock(paginate=lambda **request: [getattr(self, name)(**request)])

    def describe_services(self, **request: t.Any) -> dict[str, t.Any]:
        return {
            "services": [
                {"serviceName": name, "status": "ACTIVE", "deployments": [{"status": "PRIMARY", "taskDefinition": f"{name}:1"}]}
                for name in request["services"]
            ]
        }

    def describe_task_definition(self, **request: t.Any) -> dict[str, t.Any]:
        secret = [{"name": "URL", "valueFrom": "/shop/url"}] if request["taskDefinition"] == "api:1" else []
        return {"taskDefinition": {"containerDefinitions": [{"name": "app", "secrets": secret}]}}

    def list_tasks(self, **request: t.Any) -> dict[str, t.Any]:
        return {"taskArns": ["one", "two"]}

    def describe_tasks(self, **request: t.Any) -> dict[str, t.Any]:
        return {"tasks": [{"createdAt": NOON}, {"createdAt": NOON + datetime.timedelta(hours=1)}]}


@pytest.mark.parametrize(
    ("changed_at", "outdated"),
    [
        ("2026-11-21T11:59:59+00:00", []),
        ("2026-11-21T12:30:00+00:00", ["api"]),
        ("2026-11-21T13:30:00", ["api"]),
        ("2026-11-21T13:59:59+02:00", []),
        (None, ["api"]),
    ],
)
def test_a_service_is_outdated_while_a_task_is_older_than_the_value(account: Account, changed_at: str | None, outdated: list[str]) -> None:
    account.clients["ecs"] = Services()
    secret = {"name": "/shop/url", "arn": PARAMETER_ARN, "changed_at": changed_at, "store": "ssm", "change": ""}
    found = account.run(ecs_secret_users_info.VERB, cluster="main", secrets=[secret])
    assert [(each["service"], each["secrets"], each["running_count"]) for each in found["services"]] == [("api", ["/shop/url"], 2)]
    assert found["outdated"] == outdated
    assert found["services"][0]["outdated"] == (["/shop/url"] if outdated else [])


def test_a_cluster_that_is_not_there_has_no_services_and_a_time_must_be_one(account: Account) -> None:
    account.clients["ecs"] = Services()
    secret = {"name": "/shop/url", "arn": PARAMETER_ARN}
    assert account.run(ecs_secret_users_info.VERB, cluster="none", secrets=[secret]) == {"services": [], "outdated": []}
    with pytest.raises(VerbFailure, match="changed_at of /shop/url: noon is no time"):
        account.run(ecs_secret_users_info.VERB, cluster="main", secrets=[{**secret, "changed_at": "noon"}])
