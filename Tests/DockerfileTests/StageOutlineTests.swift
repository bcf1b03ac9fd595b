import Testing

@testable import Dockerfile

@Suite("What a target can be given")
struct StageOutlineTests {
    private static let text = """
        # VERSION of the compiler
        ARG VERSION=1.2
        ARG UNUSED=1
        ARG SHARED=global
        # build makes it
        FROM compiler:${VERSION} AS build
        # FLAVOUR of it
        # another comment
        ARG FLAVOUR=${SHARED}-x EMPTY
        ARG SHARED
        RUN --mount=type=secret,id=token,required --mount=type=cache,target=/c true
        RUN --mount=type=secret,target=/run/secrets/plain --mount=type=ssh true
        FROM scratch AS other
        ARG OTHER=1
        # test runs
        # it
        FROM build AS test
        RUN --mount=type=ssh,id=default,required --mount=type=secret,id=$X true
        """

    private func outline(_ target: String?, _ given: [String: String] = [:]) throws -> StageOutline
    {
        let file = try Dockerfile(parsing: Array(Self.text.utf8))
        let scope = try GlobalScope(file, buildArguments: { given[$0] })
        let plan = try file.plan(target: target) { scope.values[$0] }
        return StageOutline(plan, of: file, scope: scope) { given[$0] }
    }

    @Test("the arguments are those of the stages that the target needs, with values and comments")
    func arguments() throws {
        let outline = try outline("test", ["EMPTY": "given"])
        #expect(outline.name == "test")
        #expect(outline.description == "runs")
        #expect(
            outline.arguments == [
                .init(name: "VERSION", value: "1.2", description: "of the compiler"),
                .init(name: "SHARED", value: "global", description: nil),
                .init(name: "FLAVOUR", value: "global-x", description: "of it"),
                .init(name: "EMPTY", value: "given", description: nil),
            ])
    }

    @Test("secrets, agents and caches are named once each, as required if one mount says so")
    func needs() throws {
        let outline = try outline("test")
        #expect(
            outline.secrets == [
                .init(id: "token", isRequired: true), .init(id: "plain", isRequired: false),
                .init(id: "$X", isRequired: false),
            ])
        #expect(outline.agents == [.init(id: "default", isRequired: true)])
        #expect(outline.caches == ["/c"])
    }

    @Test("another target has its own")
    func otherTarget() throws {
        let outline = try outline("other")
        #expect(outline.arguments == [.init(name: "OTHER", value: "1", description: nil)])
        #expect(outline.secrets == [])
        #expect(outline.description == nil)
    }
}
