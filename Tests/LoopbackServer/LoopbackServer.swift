internal import Foundation
internal import LinuxIO

/// `http-server.py` beside this file, which serves a directory of its own and ends with this object.
///
/// Started by our own hand: a child of Foundation's would hold open what other tests, at the same
/// moment, mean for children of theirs, and wait for.
package final class LoopbackServer {
    package let port: Int
    package let directory: String
    private let process: ChildProcess
    private var input: OwnedDescriptor?
    private let output: OwnedDescriptor

    package struct Failure: Error {
        package var message: String
        package init(message: String) { self.message = message }
    }

    /// - Parameter isSecure: whether it speaks TLS, with a certificate for `localhost` that it makes.
    package init(isSecure: Bool = false) throws {
        directory =
            FileManager.default.temporaryDirectory.path
            + "/vitrine-server-\(UInt64.random(in: .min ... .max))"
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        let script = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "http-server.py").path
        var arguments = [script, directory]
        if isSecure {
            try Self.makeCertificate(directory)
            arguments.append(directory + "/server.pem")
        }
        let input = try ChildProcess.Pipe()
        let output = try ChildProcess.Pipe()
        process = try ChildProcess.start(
            ChildProcess.Request(
                program: "/usr/bin/python3", arguments: arguments,
                environment: ["PATH=/usr/bin:/bin"], standardInput: input.reading.rawValue,
                standardOutput: output.writing.rawValue))
        self.input = input.keepWriting()
        self.output = output.keepReading()
        var line: [UInt8] = []
        var byte: [UInt8] = [0]
        while try DescriptorIO.read(self.output.rawValue, into: &byte) == 1, byte[0] != 0x0A {
            line.append(byte[0])
        }
        guard let number = Int(String(decoding: line, as: UTF8.self)) else {
            throw Failure(message: "the server did not start")
        }
        port = number
    }

    deinit {
        input = nil
        _ = process.wait()
        // What stays goes with the temporary directory.
        try? FileManager.default.removeItem(atPath: directory)
    }

    private static func makeCertificate(_ directory: String) throws {
        let made = try ChildProcess.output(
            of: ChildProcess.Request(
                program: "/usr/bin/openssl",
                arguments: [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost", "-keyout", directory + "/key.pem", "-out",
                    directory + "/certificate.pem",
                ], environment: ["PATH=/usr/bin:/bin"]))
        guard made.exit.isSuccess else { throw Failure(message: "openssl made no certificate") }
        let key = try String(contentsOfFile: directory + "/key.pem", encoding: .utf8)
        let certificate = try String(
            contentsOfFile: directory + "/certificate.pem", encoding: .utf8)
        try (key + certificate).write(
            toFile: directory + "/server.pem", atomically: true, encoding: .utf8)
    }

    package func write(_ text: String, to name: String, modified: Int? = nil) throws {
        try text.write(toFile: directory + "/" + name, atomically: true, encoding: .utf8)
        guard let modified else { return }
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: TimeInterval(modified))],
            ofItemAtPath: directory + "/" + name)
    }

    /// What it was asked for, ended with the server.
    package func requests() throws -> [String] {
        input = nil
        let bytes = try DescriptorIO.readAll(output.rawValue, limit: 1 << 20)
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
