internal import Foundation

/// `http-server.py` beside this file, which serves a directory of its own and ends with this object.
package final class LoopbackServer {
    package let port: Int
    package let directory: String
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()

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
        process.executableURL = URL(filePath: "/usr/bin/python3")
        process.arguments = [script, directory]
        if isSecure {
            try Self.makeCertificate(directory)
            process.arguments?.append(directory + "/server.pem")
        }
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        var line: [UInt8] = []
        while let byte = try output.fileHandleForReading.read(upToCount: 1)?.first, byte != 0x0A {
            line.append(byte)
        }
        guard let number = Int(String(decoding: line, as: UTF8.self)) else {
            throw Failure(message: "the server did not start")
        }
        port = number
    }

    deinit {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
        try? FileManager.default.removeItem(atPath: directory)
    }

    private static func makeCertificate(_ directory: String) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/openssl")
        process.arguments = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
            "-keyout", directory + "/key.pem", "-out", directory + "/certificate.pem",
        ]
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
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
        try input.fileHandleForWriting.close()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
