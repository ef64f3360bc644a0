"""gRPC as TensorFlow Serving speaks it: `PredictionService` (Predict, GetModelMetadata) and `ModelService` (status)."""

import contextlib
import math

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from tfgan_zoo.errors import ZooError
from tfgan_zoo.serving.models import DEFAULT
from tfgan_zoo.serving.refusals import Refused
from tfgan_zoo.serving.service import Service
from tfgan_zoo.serving.settings import Settings


def server(service: Service) -> tuple[grpc.aio.Server, int]:
    """A server that listens but has not been started, and its port. Raises ZooError where the port is taken."""
    settings = service.settings
    options = [
        ("grpc.max_receive_message_length", settings.body),
        ("grpc.max_send_message_length", settings.answer + 2**20),
        ("grpc.so_reuseport", 0),  # two servers on one port would share its clients by chance
    ]
    made = grpc.aio.server(interceptors=[Reading()], options=options, maximum_concurrent_rpcs=4 * settings.queue)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Prediction(service), made)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(Status(service), made)
    address = f"{f'[{settings.host}]' if ':' in settings.host else settings.host}:{settings.grpc_port}"
    try:
        port = made.add_secure_port(address, tls(settings)) if settings.certificate else made.add_insecure_port(address)
    except RuntimeError:
        port = 0
    if not port:
        raise ZooError(f"cannot listen at {address}: it is taken, or not an address of this machine; see --grpc-port.")
    return made, port


class Reading(grpc.aio.ServerInterceptor):
    """Refuses bytes that are no message of the method, which gRPC takes for an error of the server."""

    async def intercept_service(self, continuation, handler_call_details):
        """The method, asked with what can be read alone."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None  # gRPC says itself that there is no such method

        def read(content):
            try:
                return handler.request_deserializer(content)
            except DecodeError:
                return None

        async def answer(request, context):
            if request is None:
                await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the request cannot be read: it is damaged")
            return await handler.unary_unary(request, context)

        return grpc.unary_unary_rpc_method_handler(answer, read, handler.response_serializer)


def tls(settings: Settings) -> grpc.ServerCredentials:
    """The server's side of TLS."""
    return grpc.ssl_server_credentials([(settings.key.read_bytes(), settings.certificate.read_bytes())])


@contextlib.asynccontextmanager
async def answering(service: Service, context, name: str):
    """Check the token, count the request, and tell the client of refusals by gRPC's codes."""
    try:
        with service.counted("grpc", name):
            sent = dict(context.invocation_metadata() or ())
            service.admit(sent.get("authorization", ""))
            yield
    except Refused as refused:
        await context.abort(grpc.StatusCode[refused.code], refused.message)


def where(spec) -> tuple[str, int | None, str | None]:
    """The model, version and label that a `ModelSpec` names."""
    chosen = spec.WhichOneof("version_choice")
    return (
        spec.name,
        spec.version.value if chosen == "version" else None,
        spec.version_label if chosen == "version_label" else None,
    )


class Prediction(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Asks models. What is not here (Classify, Regress ...) is UNIMPLEMENTED: our signatures are none of these."""

    def __init__(self, service: Service):
        self.service = service

    async def Predict(self, request, context):
        """Tensors in, tensors out."""
        async with answering(self.service, context, request.model_spec.name):
            version = self.service.models.find(*where(request.model_spec))
            signature = version.signature(request.model_spec.signature_name)
            inputs = {name: array_of(name, proto) for name, proto in request.inputs.items()}
            for name in request.output_filter:
                if name not in signature.outputs:
                    raise Refused("INVALID_ARGUMENT", f"output tensor alias not found in signature: {name[:60]}")
            outputs = await self.service.ask(version, signature, inputs, context.time_remaining())
            response = predict_pb2.PredictResponse()
            response.model_spec.name, response.model_spec.version.value = version.model, version.number
            response.model_spec.signature_name = request.model_spec.signature_name or DEFAULT
            for name in request.output_filter or outputs:
                response.outputs[name].CopyFrom(tf.make_tensor_proto(outputs[name]))
            return response

    async def GetModelMetadata(self, request, context):
        """The signatures."""
        async with answering(self.service, context, request.model_spec.name):
            if list(request.metadata_field) != ["signature_def"]:
                raise Refused("INVALID_ARGUMENT", 'metadata_field must be ["signature_def"]')
            version = self.service.models.find(*where(request.model_spec))
            response = get_model_metadata_pb2.GetModelMetadataResponse()
            response.model_spec.name, response.model_spec.version.value = version.model, version.number
            signatures = get_model_metadata_pb2.SignatureDefMap(signature_def=version.definitions)
            response.metadata["signature_def"].Pack(signatures)
            return response


class Status(model_service_pb2_grpc.ModelServiceServicer):
    """Tells of versions."""

    def __init__(self, service: Service):
        self.service = service

    async def GetModelStatus(self, request, context):
        """The states of a model's versions."""
        async with answering(self.service, context, request.model_spec.name):
            return self.service.models.status(*where(request.model_spec))


def array_of(name: str, proto) -> np.ndarray:
    """A `TensorProto` as an array. Raises Refused where it is damaged or claims to be larger than it is."""
    sides = [side.size for side in proto.tensor_shape.dim]
    content = proto.ByteSize()  # each number takes a byte at least: one value that fills a large shape is not accepted
    if min(sides, default=1) < 0 or len(sides) > 32 or math.prod(sides) > max(1, content):
        raise Refused("INVALID_ARGUMENT", f"{name}: a tensor of shape {sides[:8]} that has no such content")
    try:
        return tf.make_ndarray(proto)
    except (TypeError, ValueError, KeyError, OverflowError, MemoryError) as error:
        raise Refused("INVALID_ARGUMENT", f"{name}: cannot be read: {str(error)[:200]}") from None
