internal import ImageSpec

/// A part of a template.
enum TemplateNode: Sendable {
    case text(String)
    /// `{{PIPELINE}}`
    case print(TemplatePipeline)
    /// `{{$NAME := PIPELINE}}`
    case set(String, TemplatePipeline)
    /// `{{$NAME = PIPELINE}}`
    case assign(String, TemplatePipeline)
    /// `{{if $NAME := PIPELINE}}…{{else}}…{{end}}`
    case condition(String?, TemplatePipeline, [TemplateNode], otherwise: [TemplateNode])
    /// `{{with $NAME := PIPELINE}}…{{else}}…{{end}}`
    case with(String?, TemplatePipeline, [TemplateNode], otherwise: [TemplateNode])
    /// `{{range $KEY, $ELEMENT := PIPELINE}}…{{else}}…{{end}}`
    case range(
        key: String?, element: String?, TemplatePipeline, [TemplateNode],
        otherwise: [TemplateNode])
    /// `{{template "NAME" PIPELINE}}`
    case template(String, TemplatePipeline?)
    /// `{{break}}`
    case leave
    /// `{{continue}}`
    case next
}

/// `COMMAND | COMMAND`: each is given the result of the one before as its last argument.
struct TemplatePipeline: Sendable {
    var commands: [Command]

    enum Command: Sendable {
        case value(TemplateOperand)
        case call(TemplateFunction, [TemplateOperand])
        /// `.Label "NAME"`: of the labels beside it, the one of that name.
        case label(TemplateOperand, named: TemplateOperand)
    }
}

/// A value, and the fields that lead from it to another: `.A.B`, `$x.A`, `(PIPELINE).A`.
struct TemplateOperand: Sendable {
    var start: Start
    var fields: [String]

    indirect enum Start: Sendable {
        case dot
        /// The empty name is `$`, what the template is applied to.
        case variable(String)
        case literal(JSONValue)
        case pipeline(TemplatePipeline)
        /// Without arguments, such as `println`'s inner ones.
        case call(TemplateFunction)
    }
}
