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
        RUN --mount=type=ssh,id=default,required --mount=type=secret,id=$FLAVOUR true
        """

    private func outline(
        _ target: String?, _ given: [String: String] = [:], of text: String = Self.text
    ) throws -> StageOutline {
        let file = try Dockerfile(parsing: Array(text.utf8))
        let predefined = { (name: String) in name == "TARGETARCH" ? "amd64" : nil }
        let scope = try GlobalScope(file, buildArguments: { given[$0] }, predefined: predefined)
        let plan = try file.plan(target: target) { scope.values[$0] }
        return StageOutline(
            plan, of: file, scope: scope, given: { given[$0] }, predefined: predefined)
    }

    /// `line name=value description`
    private func lines(_ outline: StageOutline) -> [String] {
        outline.arguments.map { argument in
            "\(argument.range.start.line) \(argument.name)=\(argument.value ?? "-")"
                + (argument.description.map { " \($0)" } ?? "")
        }
    }

    /// `line id`, with `!` for what is required.
    private func lines(_ needs: [StageOutline.Need]) -> [String] {
        needs.map { "\($0.range.start.line) \($0.id)\($0.isRequired ? "!" : "")" }
    }

    @Test("the arguments are those of the stages that the target needs, with values and comments")
    func arguments() throws {
        let outline = try outline("test", ["EMPTY": "given"])
        #expect(outline.name == "test")
        #expect(outline.description == "runs")
        #expect(
            lines(outline) == [
                "2 VERSION=1.2 of the compiler", "4 SHARED=global", "9 FLAVOUR=-x of it",
                "9 EMPTY=given",
            ])
    }

    @Test func `what the value of an argument is made of is one too`() throws {
        let text = """
            ARG inherited=box
            ARG inherited2=box2
            ARG unused=abc${inherited2}
            # sfx is a suffix
            ARG sfx="usy${inherited}"

            FROM b${sfx} AS first
            # this is not assigned to anything
            ARG FOO=123
            # BAR is a number
            ARG BAR=456

            FROM alpine${unused} AS second
            ARG BAZ

            FROM scratch AS third
            ARG ABC=a TARGETARCH

            FROM third AS target
            COPY --from=first /etc/passwd /
            FROM second
            """
        #expect(
            lines(try outline("target", ["BAR": "678"], of: text)) == [
                "1 inherited=box", "5 sfx=usybox is a suffix", "9 FOO=123",
                "11 BAR=678 is a number", "17 ABC=a",
            ])
    }

    @Test func `of an argument that is declared again the last value counts`() throws {
        let text = """
            ARG FOO=123
            ARG ABC=abc
            ARG DEF=def
            ARG FOO=${FOO}${ABC}
            ARG BAR=${FOO}456
            ARG FOO=${FOO}456${BAR}
            FROM scratch
            ARG FOO
            ARG INFOO=123
            ARG INBAR=${INFOO}456
            ENV E=$INBAR
            ARG INFOO=${INFOO}456${E}
            """
        #expect(
            lines(try outline(nil, of: text)) == [
                "2 ABC=abc", "5 BAR=123abc456", "6 FOO=123abc456123abc456", "10 INBAR=123456",
                "12 INFOO=123456123456",
            ])
    }

    @Test func `of the ARGs of several stages the one nearest to the target is told`() throws {
        let text = """
            FROM scratch AS far
            ARG X=far
            FROM scratch AS base
            ARG X=base Y=1
            FROM base
            ARG Y=${X}2
            COPY --from=far a /
            """
        #expect(lines(try outline(nil, of: text)) == ["4 X=base", "6 Y=base2"])
    }

    @Test("secrets, agents and caches are named once each, as required if one mount says so")
    func needs() throws {
        let outline = try outline("test")
        #expect(lines(outline.secrets) == ["11 token!", "12 plain", "18 -x"])
        #expect(lines(outline.agents) == ["12 default!"])
        #expect(outline.caches == ["/c"])
    }

    @Test func `triggers of a base are read before the stage, where its FROM stands`() throws {
        let text = """
            FROM scratch
            FROM onb
            ARG OWN=$RELEASE
            """
        let file = try Dockerfile(parsing: Array(text.utf8))
        let plan = try file.plan { _ in nil }
        let scope = try GlobalScope(file, buildArguments: { _ in nil }, predefined: { _ in nil })
        let triggers = try [
            "ARG Z RELEASE=1 A", "RUN --mount=type=secret,id=TOK,required true",
            "RUN --mount=type=cache,target=/c --mount=type=ssh true",
        ].map { text in
            var located = try LocatedInstruction(parsingTrigger: text)
            located.range = file.stages[1].fromInstruction.range
            return located
        }
        let outline = StageOutline(
            plan, of: file, scope: scope, given: { _ in nil }, triggers: [1: triggers])
        #expect(lines(outline) == ["2 Z=-", "2 RELEASE=1", "2 A=-", "3 OWN=1"])
        #expect(lines(outline.secrets) == ["2 TOK!"])
        #expect(lines(outline.agents) == ["2 default"])
        #expect(outline.caches == ["/c"])
    }

    @Test("another target has its own")
    func otherTarget() throws {
        let outline = try outline("other")
        #expect(lines(outline) == ["14 OTHER=1"])
        #expect(outline.secrets == [])
        #expect(outline.description == nil)
    }
}
