import Dockerfile
import Testing

@Suite("Golden Dockerfiles")
struct GoldenTests {
    @Test("every folder is found") func count() {
        #expect(GoldenCase.all.count >= 100)
    }

    @Test("a Dockerfile reads as its folder says", arguments: GoldenCase.all)
    func reading(golden: GoldenCase) throws {
        let source = try golden.source
        let result: (fileName: String, text: String)
        do {
            let dockerfile = try Dockerfile(parsing: source)
            result = ("expected.txt", try DockerfileDump.text(of: dockerfile))
        } catch let error as DockerfileError {
            let rendered = error.rendered(source: source, fileName: "Dockerfile")
            // A line of the greatest length would bury the rest.
            let lines = rendered.split(separator: "\n", omittingEmptySubsequences: false)
            let text = lines.map { String($0.prefix(200)) }.joined(separator: "\n")
            result = ("expected-error.txt", "\(error.code.rawValue)\n\(text)\n")
        }
        if GoldenCase.isRecording { try golden.record(result.text, as: result.fileName) }
        #expect(try golden.text(result.fileName) == result.text)
    }
}
