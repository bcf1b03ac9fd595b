internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// A request for a plain `http` address that a proxy carries out: it is sent the whole address (RFC
/// 9112 §3.2.2). The client tunnels such requests as well, which most proxies allow for TLS only.
struct ProxiedRequest {
    let group: MultiThreadedEventLoopGroup
    let connectTimeout: TimeAmount

    /// Sends the request, and hands the answer to the exchange.
    /// - Returns: the connection, for who gives up.
    func start(
        _ head: HTTPRequestHead, host: String, port: Int, _ exchange: Exchange
    ) -> EventLoopFuture<any Channel> {
        let connection = ClientBootstrap(group: group)
            .connectTimeout(connectTimeout)
            // The next piece is read when the one before is taken.
            .channelOption(.autoRead, value: false)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHTTPClientHandlers()
                    try pipeline.addHandler(AnswerHandler(head, exchange))
                }
            }
            .connect(host: host, port: port)
        connection.whenFailure { exchange.fail($0) }
        return connection
    }
}

/// Hands an answer over piece by piece.
private final class AnswerHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let head: HTTPRequestHead
    private let exchange: Exchange
    /// Pieces that are not taken yet.
    private var waitingCount = 0
    private var hasEnded = false

    init(_ head: HTTPRequestHead, _ exchange: Exchange) {
        self.head = head
        self.exchange = exchange
    }

    func channelActive(context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): exchange.receive(head)
        case .body(let buffer):
            waitingCount += 1
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            exchange.receive(buffer, on: context.eventLoop).whenComplete { _ in
                let (handler, context) = bound.value
                handler.waitingCount -= 1
                if handler.waitingCount == 0 { context.read() }
            }
        case .end:
            hasEnded = true
            exchange.finish()
            context.close(promise: nil)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if waitingCount == 0 { context.read() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if !hasEnded { exchange.fail(HTTPClientError.remoteConnectionClosed) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        exchange.fail(error)
        context.close(promise: nil)
    }
}
