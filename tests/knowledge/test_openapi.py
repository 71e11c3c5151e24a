"""OpenAPI documents become tools; what is assumed or left out is said."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import date
from pathlib import Path

import pytest
import yaml

from dagwright.catalogue import catalogue_of
from dagwright.exceptions import CatalogueError, InputError
from knowledge.ingest.openapi import import_openapi

SHOP = yaml.safe_load("""
openapi: 3.0.3
info: {title: Shop, version: "2.1"}
servers: [{url: "https://{region}.shop.test/v2/", variables: {region: {default: eu}}}]
security: [{key: []}]
paths:
  /orders/{order_id}:
    parameters: [{$ref: "#/components/parameters/OrderId"}]
    get:
      operationId: getOrder
      summary: Get an order
      description: Gives one order with its items.
      tags: [orders]
      parameters: [{name: fields, in: query, schema: {type: array, items: {type: string}}}]
      responses: {"200": {content: {application/json: {schema: {$ref: "#/components/schemas/Order"}}}}}
    put:
      operationId: replaceOrder
      requestBody:
        required: true
        content: {application/json: {schema: {$ref: "#/components/schemas/Order"}}}
      responses: {"204": {description: done}}
    delete:
      operationId: orders/delete
      deprecated: true
      x-sunset: "2027-03-01"
      security: []
      responses: {default: {$ref: "#/components/responses/Text"}}
  /orders:
    post:
      requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/Order"}}}}
      responses: {"201": {content: {application/json: {schema: {$ref: "#/components/schemas/Order"}}}}}
components:
  securitySchemes: {key: {type: apiKey, in: header, name: X-Key}}
  parameters:
    OrderId:
      {name: order_id, in: path, required: true, description: The order., schema: {$ref: "#/components/schemas/Id"}}
  responses:
    Text: {content: {text/plain: {schema: {type: string}}}}
  schemas:
    Id: {type: integer, minimum: 0, exclusiveMinimum: true}
    Order:
      type: object
      required: [id, note]
      properties:
        id: {type: integer, readOnly: true}
        note: {type: string, nullable: true}
        parent: {$ref: "#/components/schemas/Order"}
""")


def changed(**operation) -> dict:
    """The shop with one operation only, `GET /things`, that has the given parts."""
    things = {"operationId": "things", "responses": {"200": {"description": "done"}}} | operation
    return deepcopy(SHOP) | {"paths": {"/things": {"get": things}}}


@pytest.fixture(scope="module")
def shop():
    return import_openapi(SHOP, name="shop")


def test_every_operation_becomes_a_tool_and_a_document(shop):
    names = ["shop.getOrder", "shop.replaceOrder", "shop.orders_delete", "shop.post_orders"]
    assert [tool.name for tool in shop.catalogue.tools] == names
    assert [document.operation for document in shop.documents] == names
    assert shop.documents[0].title == "shop get order. Get an order."
    assert catalogue_of("again", shop.catalogue.tools).hash  # the schemas are valid


def test_arguments_come_from_parameters_and_body(shop):
    get, replace, *_ = shop.catalogue.tools
    assert get.input_schema == {
        "type": "object",
        "properties": {
            "order_id": {"type": "integer", "exclusiveMinimum": 0, "description": "The order."},
            "fields": {"type": "array", "items": {"type": "string"}},
        },
        "additionalProperties": False,
        "required": ["order_id"],
    }
    assert get.binding.locations == {"order_id": "path", "fields": "query"}
    assert replace.input_schema["required"] == ["order_id", "body"]
    assert replace.binding.locations["body"] == "body"
    assert replace.input_schema["properties"]["body"]["required"] == ["note"]  # id is for reading only
    assert set(replace.input_schema["properties"]["body"]["properties"]) == {"note", "parent"}


def test_outputs_are_status_and_body(shop):
    get, replace, delete, _ = shop.catalogue.tools
    body = get.output_schema["properties"]["body"]
    assert get.output_schema["required"] == ["status", "body"]
    assert body["properties"]["note"] == {"type": ["string", "null"]}
    assert body["properties"]["parent"] == {"description": "a Order again; not described further"}
    assert set(replace.output_schema["properties"]) == {"status"}
    assert delete.output_schema["properties"]["body"] == {"type": "string"}


@pytest.mark.parametrize(
    ("operation", "effect", "idempotent", "roles"),
    [
        pytest.param("getOrder", "read", True, {"order_id": "data", "fields": "data"}, id="GET"),
        pytest.param("replaceOrder", "external", True, {"order_id": "control", "body": "data"}, id="PUT"),
        pytest.param("orders_delete", "irreversible", True, {"order_id": "control"}, id="DELETE"),
        pytest.param("post_orders", "external", False, {"body": "data"}, id="POST"),
    ],
)
def test_effects_and_roles_are_the_safe_ones(shop, operation, effect, idempotent, roles):
    tool = shop.catalogue.by_name[f"shop.{operation}"]
    assert (tool.effect, tool.idempotent, tool.roles) == (effect, idempotent, roles)
    assert tool.retry.attempts == (3 if idempotent else 1)
    assert bool(tool.writes) is (effect != "read")


def test_the_binding_says_where_and_with_which_credential(shop):
    get, _, delete, _ = shop.catalogue.tools
    assert get.binding.url == "https://eu.shop.test/v2/orders/{order_id}"
    assert (get.binding.credential, get.binding.credential_header, get.binding.credential_prefix) == (
        "shop_key",
        "X-Key",
        "",
    )
    assert get.output_labels[0].label.model_dump() == {
        "integrity": "untrusted",
        "confidentiality": "tenant",
        "readers": None,
    }
    assert delete.binding.credential is None
    assert delete.output_labels[0].label.confidentiality == "public"


def test_version_deprecation_and_removal_are_kept(shop):
    delete = shop.catalogue.by_name["shop.orders_delete"]
    assert (delete.version, delete.deprecated, delete.valid_to) == ("2.1", True, date(2027, 3, 1))


def test_every_assumption_is_a_note(shop):
    said = "\n".join(shop.notes)
    for part in (
        "called at https://eu.shop.test/v2",
        "DELETE to be irreversible",
        "POST /orders: named 'post_orders': it has no operationId",
        "DELETE /orders/{order_id}: named 'orders_delete': its operationId is 'orders/delete'",
        "DELETE /orders/{order_id}: its response is text/plain, not JSON; taken as text",
        "the response's schema is cut: Order contains itself",
    ):
        assert part in said


QUERY = {"name": "q", "in": "query", "schema": {"type": "object"}}


@pytest.mark.parametrize(
    ("operation", "reason"),
    [
        pytest.param(
            {"parameters": [QUERY | {"style": "deepObject", "required": True}]}, "style 'deepObject'", id="style"
        ),
        pytest.param({"parameters": [QUERY | {"in": "cookie", "required": True}]}, "is in 'cookie'", id="cookie"),
        pytest.param(
            {"parameters": [QUERY | {"name": "body", "required": True}]}, "which is the request's body", id="body"
        ),
        pytest.param({"parameters": [QUERY, QUERY | {"in": "header", "required": True}]}, "under one name", id="twice"),
        pytest.param({"parameters": [{"$ref": "#/components/nothing"}]}, "there is no 'nothing'", id="dangling"),
        pytest.param({"parameters": [{"$ref": "other.yaml#/x"}]}, "leaves the document", id="another file"),
        pytest.param({"parameters": "none"}, "not a list", id="no list"),
        pytest.param({"parameters": [QUERY | {"in": {}, "required": True}]}, "is in {}", id="a place that is no text"),
        pytest.param({"requestBody": {"required": True, "content": 1}}, "must be no media type", id="no media types"),
        pytest.param({"parameters": [QUERY | {"schema": {"type": "text"}}]}, "not valid JSON Schema", id="schema"),
        pytest.param({"parameters": [QUERY | {"schema": {"pattern": "("}}]}, "not valid JSON Schema", id="pattern"),
        pytest.param(
            {"requestBody": {"required": True, "content": {"multipart/form-data": {}}}},
            "multipart/form-data",
            id="form",
        ),
    ],
)
def test_what_cannot_be_expressed_is_left_out_with_its_reason(operation, reason):
    document = changed(**operation)
    document["paths"]["/fine"] = {"get": {"operationId": "fine"}}
    result = import_openapi(document, name="shop")
    assert [tool.operation for tool in result.catalogue.tools] == ["fine"]
    assert any(note.startswith("GET /things: left out: ") and reason in note for note in result.notes)


@pytest.mark.parametrize(
    ("operation", "note"),
    [
        pytest.param(
            {"parameters": [QUERY | {"style": "deepObject"}]}, "optional parameter 'q' has the style", id="style"
        ),
        pytest.param({"parameters": [QUERY | {"in": "cookie"}]}, "optional parameter 'q' is in 'cookie'", id="cookie"),
        pytest.param({"requestBody": {"content": {"text/csv": {}}}}, "optional body of text/csv", id="body"),
        pytest.param({"parameters": [QUERY | {"in": "path"}]}, "path parameter 'q' is not in the path", id="path"),
        pytest.param({"responses": {"200": {"content": 1}}}, "its response is no media type", id="no media types"),
        pytest.param({"responses": {}}, "no successful response is described", id="response"),
        pytest.param({"security": [{"a": [], "b": []}]}, "which is not a single header", id="two credentials"),
    ],
)
def test_an_optional_part_that_cannot_be_expressed_is_dropped_with_a_note(operation, note):
    result = import_openapi(changed(**operation), name="shop")
    assert len(result.catalogue.tools) == 1
    assert any(note in line for line in result.notes)


@pytest.mark.parametrize(
    ("scheme", "header", "prefix"),
    [
        ({"type": "http", "scheme": "bearer"}, "Authorization", "Bearer "),
        ({"type": "http", "scheme": "Basic"}, "Authorization", "Basic "),
        ({"type": "oauth2", "flows": {}}, "Authorization", "Bearer "),
        ({"type": "apiKey", "in": "header", "name": "X-Auth"}, "X-Auth", ""),
    ],
)
def test_security_schemes_become_headers(scheme, header, prefix):
    document = changed()
    document["components"]["securitySchemes"]["key"] = scheme
    binding = import_openapi(document, name="shop").catalogue.tools[0].binding
    assert (binding.credential_header, binding.credential_prefix) == (header, prefix)


@pytest.mark.parametrize("security", [[], [{}], [{"key": []}, {}]])
def test_a_credential_that_may_be_left_out_is_left_out(security):
    result = import_openapi(changed(security=security), name="shop")
    assert result.catalogue.tools[0].binding.credential is None
    assert not any("credential" in note for note in result.notes if note.startswith("GET"))


def test_of_several_credentials_the_first_that_is_one_header_is_taken():
    document = changed(security=[{"key": [], "other": []}, {"other": []}, {"key": []}])
    assert import_openapi(document, name="shop").catalogue.tools[0].binding.credential == "shop_key"


def test_parameters_of_an_operation_override_those_of_its_path():
    document = changed(parameters=[QUERY | {"schema": {"type": "string"}}])
    document["paths"]["/things"]["parameters"] = [QUERY]
    tool = import_openapi(document, name="shop").catalogue.tools[0]
    assert tool.input_schema["properties"]["q"] == {"type": "string"}


def test_operations_that_share_an_id_get_names_of_their_own():
    document = changed()
    document["paths"]["/other"] = {"get": {"operationId": "things"}}
    names = [tool.operation for tool in import_openapi(document, name="shop").catalogue.tools]
    assert names == ["get_things", "get_other"]


def test_markup_goes_and_placeholders_stay():
    document = changed(description="<p>Sorts as <b>sort</b>=<field>:ASC</p>")
    assert import_openapi(document, name="shop").catalogue.tools[0].description == "Sorts as sort=<field>:ASC."


def test_methods_that_no_tool_has_are_named():
    document = changed()
    document["paths"]["/things"]["options"] = {}
    assert "OPTIONS /things: left out: no tool has the method OPTIONS" in import_openapi(document, name="shop").notes


@pytest.mark.parametrize(
    ("part", "problem"),
    [
        pytest.param({"openapi": "4.0"}, "at /openapi: must be a version 3.0 or 3.1, not '4.0'", id="version"),
        pytest.param({"swagger": "2.0"}, "at /swagger: version '2.0' must be converted", id="swagger"),
        pytest.param({"info": None}, "at /info: must be an object", id="info"),
        pytest.param({"paths": []}, "at /paths: must be an object", id="paths"),
        pytest.param({"paths": {"orders": {}}}, "at /paths/orders: a path must begin with '/'", id="path"),
        pytest.param({"paths": {"/a/b": 1}}, "at /paths/~1a~1b: must be an object", id="path item"),
        pytest.param({"paths": {"/a": {"get": []}}}, "at /paths/~1a/get: must be an object", id="operation"),
        pytest.param({"paths": {}}, "'paths' has no operation", id="nothing"),
        pytest.param({"servers": [{"url": "/v2"}]}, "at /servers: '/v2' is not an absolute", id="relative server"),
        pytest.param({"servers": []}, "say where the API is with base_url", id="no server"),
    ],
)
def test_a_broken_document_says_what_is_wrong_and_where(part, problem):
    with pytest.raises(CatalogueError) as raised:
        import_openapi(SHOP | part, name="shop")
    assert any(problem in found for found in raised.value.problems)


def test_all_problems_of_a_document_come_at_once():
    with pytest.raises(CatalogueError) as raised:
        import_openapi({"openapi": "2", "paths": {"x": 1}}, name="no name!")
    assert len(raised.value.problems) == 6


def test_where_the_api_is_can_be_said():
    result = import_openapi(SHOP | {"servers": []}, name="shop", base_url="http://localhost:8080/api/")
    assert result.catalogue.tools[0].binding.url == "http://localhost:8080/api/orders/{order_id}"


@pytest.mark.parametrize("suffix", ["json", "yaml"])
def test_files_may_be_json_or_yaml(tmp_path: Path, shop, suffix):
    path = tmp_path / f"shop.{suffix}"
    path.write_text(json.dumps(SHOP) if suffix == "json" else yaml.safe_dump(SHOP), encoding="utf-8")
    assert import_openapi(path, name="shop").catalogue.hash == shop.catalogue.hash


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"text", b"\xff\xfe", b"a: [b"])
def test_a_file_that_is_no_document_is_refused_with_its_name(tmp_path: Path, content):
    path = tmp_path / "broken.json"
    path.write_bytes(content)
    with pytest.raises((InputError, CatalogueError), match=r"broken\.json"):
        import_openapi(path, name="shop")


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(InputError, match=r"missing\.json"):
        import_openapi(tmp_path / "missing.json", name="shop")
