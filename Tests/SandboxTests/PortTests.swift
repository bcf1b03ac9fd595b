import Foundation
import Glibc
import LinuxIO
import Synchronization
import Testing

@testable import Sandbox

@Suite(.serialized) struct PortTests {
    /// A helper's program, if it is there.
    private static func helper(_ kind: NetworkHelper.Kind) -> NetworkHelper? {
        RuntimeProbe.searchPath.map { "\($0)/\(kind.rawValue)" }
            .first(where: HostDirectory.exists).map { NetworkHelper(kind: kind, path: $0) }
    }

    @Test func `a port that somebody has is told`() throws {
        let held = try BoundPort(address: "127.0.0.1", port: 0, transport: .stream)
        let listener = Listener(port: held.port)
        _ = consume held
        let taken = try #require(try listener.listen())
        defer { close(taken) }
        let error = try #require(throws: SandboxError.self) {
            try PortAllocation.ports(for: [
                .init(
                    hostAddress: "127.0.0.1", hostPorts: listener.port...listener.port,
                    containerPort: 80)
            ])
        }
        #expect(error.code == .portAllocated)
        #expect(error.message.contains("127.0.0.1:\(listener.port) failed: port is already"))
    }

    /// Listens on the loopback.
    private struct Listener {
        let port: UInt16

        func listen() throws -> Int32? {
            let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            guard socket >= 0 else { return nil }
            var name = sockaddr_in()
            name.sin_family = sa_family_t(AF_INET)
            name.sin_port = port.bigEndian
            name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            let bound = unsafe withUnsafePointer(to: &name) {
                unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            guard bound == 0, Glibc.listen(socket, 1) == 0 else {
                close(socket)
                return nil
            }
            return socket
        }
    }

    @Test func `free ports differ, and a range gives its first free one`() throws {
        let any = PortRequest(hostPorts: 0...0, containerPort: 80)
        let ports = try PortAllocation.ports(for: [any, any, any])
        #expect(Set(ports.map(\.hostPort)).count == 3)
        #expect(ports.allSatisfy { $0.hostPort != 0 && $0.containerPort == 80 })
        let first = ports[0].hostPort
        guard first < .max - 4 else { return }
        let range = PortRequest(hostPorts: first...(first + 4), containerPort: 1)
        let found = try PortAllocation.ports(for: [range, range])
        #expect(found[0].hostPort < found[1].hostPort)
        #expect(found.allSatisfy { range.hostPorts.contains($0.hostPort) })
    }

    @Test(
        .enabled(if: SandboxFixture.canRun, SandboxFixture.requirement),
        arguments: [NetworkHelper.Kind.pasta, .slirp4netns])
    func `why a helper ends is told`(_ kind: NetworkHelper.Kind) async throws {
        try await SandboxFixture.with { fixture in
            let program = fixture.directory + "/helper"
            try "#!/bin/sh\necho noise >&2; echo 'no such device' >&2; exit 3\n".write(
                toFile: program, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o755], ofItemAtPath: program)
            let error = try #require(throws: SandboxError.self) {
                _ = try NetworkHelper(kind: kind, path: program).attach(in: fixture.directory)
            }
            #expect(error.code == .networkUnavailable)
            #expect(
                error.message == "could not connect a network with \(program): "
                    + "it ended with exit code 3: no such device")
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: fixture.directory)
                    .filter { $0.hasPrefix("network-") } == [])
        }
    }

    @Test(
        .enabled(if: SandboxFixture.canRun, SandboxFixture.requirement),
        arguments: [NetworkHelper.Kind.pasta, .slirp4netns])
    func `a published port reaches the container`(_ kind: NetworkHelper.Kind) async throws {
        guard let helper = Self.helper(kind) else { return }
        try await SandboxFixture.with { fixture in
            let attachment = try helper.attach(
                in: fixture.directory + "/bundles",
                ports: [
                    PortRequest(hostAddress: "127.0.0.1", hostPorts: 0...0, containerPort: 80)
                ])
            defer { attachment.detach() }
            let port = try #require(attachment.ports.first).hostPort
            var request = fixture.request([
                "sh", "-c", "busybox nc -l -p 80 -e echo hello >/dev/null 2>&1",
            ])
            request.network = .joined(path: attachment.path)
            let container = try Container.start(
                request, with: fixture.runtime, streams: .init())
            let answer = Self.read(port)
            if answer == nil { container.cancel() }
            _ = container.wait()
            #expect(answer == "hello\n")
        }
    }

    @Test(
        .enabled(if: SandboxFixture.canRun, SandboxFixture.requirement),
        arguments: [NetworkHelper.Kind.pasta, .slirp4netns])
    func `a helper that was killed has a successor`(_ kind: NetworkHelper.Kind) async throws {
        guard let helper = Self.helper(kind) else { return }
        try await SandboxFixture.with { fixture in
            let attachment = try helper.attach(
                in: fixture.directory + "/bundles",
                ports: [
                    PortRequest(hostAddress: "127.0.0.1", hostPorts: 0...0, containerPort: 80)
                ])
            defer { attachment.detach() }
            let port = try #require(attachment.ports.first).hostPort
            var request = fixture.request([
                "sh", "-c",
                "while :; do busybox nc -l -p 80 -e echo hello >/dev/null 2>&1; done",
            ])
            request.network = .joined(path: attachment.path)
            let container = try Container.start(
                request, with: fixture.runtime, streams: .init())
            defer {
                container.cancel()
                _ = container.wait()
            }
            #expect(Self.read(port) == "hello\n")
            let first = try #require(try Self.process(of: attachment))
            kill(first, SIGKILL)
            #expect(Self.read(port) == "hello\n")
            #expect(try Self.process(of: attachment) != first)
        }
    }

    /// The helper, which was told the namespace's name.
    private static func process(of attachment: NetworkHelper.Attachment) throws -> Int32? {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { Int32($0) }
            .first {
                let words = FileManager.default.contents(atPath: "/proc/\($0)/cmdline") ?? Data()
                return words.split(separator: 0).contains(Data(attachment.path.utf8))
            }
    }

    @Test(
        .enabled(if: SandboxFixture.canRun, SandboxFixture.requirement),
        arguments: [NetworkHelper.Kind.pasta, .slirp4netns])
    func `datagrams from the loopback are answered`(_ kind: NetworkHelper.Kind) async throws {
        guard let helper = Self.helper(kind) else { return }
        try await SandboxFixture.with { fixture in
            func request(_ address: String?, _ port: UInt16) -> PortRequest {
                PortRequest(
                    hostAddress: address, hostPorts: 0...0, containerPort: port, transport: .udp)
            }
            let attachment = try helper.attach(
                in: fixture.directory + "/bundles",
                ports: [request(nil, 53), request("127.0.0.1", 54), request("0.0.0.0", 55)])
            defer { attachment.detach() }
            let servers = try EchoServers(attachment.path, ports: [53, 54, 55])
            defer { servers.stop() }
            for port in attachment.ports {
                #expect(try Self.answers("127.0.0.1", port.hostPort, clients: 2))
            }
            if HostDirectory.exists("/proc/net/if_inet6") {
                #expect(try Self.answers("::1", attachment.ports[0].hostPort, clients: 2))
            }
            // More than are remembered.
            #expect(try Self.answers("127.0.0.1", attachment.ports[0].hostPort, clients: 600))
        }
    }

    @Test func `a relay carries datagrams of the loopback, and of so many ports`() {
        func port(
            _ address: String?, _ number: UInt16, _ transport: PublishedPort.Transport = .udp
        ) -> PublishedPort {
            PublishedPort(
                hostAddress: address, hostPort: number, containerPort: 1, transport: transport)
        }
        let own = [port(nil, 1), port("127.0.0.2", 2), port("::1", 3), port("::", 4)]
        let others = [port("192.0.2.1", 5), port("2001:db8::1", 6), port(nil, 7, .tcp)]
        #expect(LoopbackRelay.carried(of: others + own) == own)
        let many = (1...1000).map { port("127.0.0.1", $0) }
        #expect(LoopbackRelay.carried(of: many) == Array(many.prefix(128)))
    }

    /// Servers in a container's network that send back what comes.
    private final class EchoServers: Sendable {
        private let isStopped = Atomic(false)

        init(_ namespacePath: String, ports: [UInt16]) throws {
            try BlockingThread.detach { [self] in try? serve(namespacePath, ports) }
        }

        private final class Server {
            let socket: OwnedDescriptor

            init(port: UInt16) throws {
                let name = try #require(SocketAddress("0.0.0.0", port: port))
                socket = try DatagramSocket.bound(to: name)
            }
        }

        private func serve(_ namespacePath: String, _ ports: [UInt16]) throws {
            let namespace = try OwnedDescriptor(opening: namespacePath, .readOnly)
            try ChildProcess.joinNetworkNamespace(namespace.rawValue)
            let servers = try ports.map { try Server(port: $0) }
            var buffer = [UInt8](repeating: 0, count: 2000)
            while !isStopped.load(ordering: .relaxed) {
                for server in servers {
                    let socket = server.socket.rawValue
                    while let received = try DatagramSocket.receive(socket, into: &buffer) {
                        let bytes = buffer[0..<received.count]
                        try DatagramSocket.send(socket, bytes, to: received.sender)
                    }
                }
                usleep(1000)
            }
        }

        func stop() { isStopped.store(true, ordering: .relaxed) }
    }

    /// Whether each client gets back what it sent, and the first one once more at the end.
    private static func answers(
        _ address: String, _ port: UInt16, clients count: Int
    ) throws -> Bool {
        let name = try #require(SocketAddress(address, port: port))
        let clients = try (0..<count).map { try Client(name, number: $0) }
        return try (clients + clients.prefix(1)).allSatisfy { try $0.isAnswered() }
    }

    private final class Client {
        private let socket: OwnedDescriptor
        private let message: [UInt8]

        init(_ server: SocketAddress, number: Int) throws {
            socket = try DatagramSocket.connected(to: server)
            message = Array("from \(number)".utf8)
        }

        /// Sends until an answer comes: datagrams may be lost.
        func isAnswered() throws -> Bool {
            var buffer = [UInt8](repeating: 0, count: 2000)
            for attempt in 0..<60_000 {
                // What came before somebody listened is answered with ECONNREFUSED.
                if attempt % 100 == 0 { try? DatagramSocket.send(socket.rawValue, message[...]) }
                if let found = try? DatagramSocket.receive(socket.rawValue, into: &buffer) {
                    return buffer[0..<found.count].elementsEqual(message)
                }
                usleep(2000)
            }
            return false
        }
    }

    /// What a server says first; tried until it is there.
    private static func read(_ port: UInt16) -> String? {
        for _ in 0..<100 {
            let program = "/bin/busybox"
            let request = ChildProcess.Request(
                program: program, arguments: ["nc", "-w", "2", "127.0.0.1", String(port)])
            if let output = try? ChildProcess.output(of: request),
                !output.standardOutput.isEmpty
            {
                return String(decoding: output.standardOutput, as: UTF8.self)
            }
            usleep(50_000)
        }
        return nil
    }
}
