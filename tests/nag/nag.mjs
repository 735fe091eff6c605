// Runs cdk-nag's AwsSolutions rules over CloudFormation templates and fails at what has no reason beside its resource:
// node nag.mjs TEMPLATE...
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { App, Aspects, Stack } from "aws-cdk-lib";
import { CfnInclude } from "aws-cdk-lib/cloudformation-include";
import { AwsSolutionsChecks, NagReportFormat } from "cdk-nag";

const app = new App({ analyticsReporting: false });
process.argv.slice(2).forEach((original, number) => {
  const stack = new Stack(app, `Template${number}`);
  // CfnInclude does not know the resources that SAM will make, such as aliases.
  const templateFile = `template-${number}.yaml`;
  writeFileSync(templateFile, readFileSync(original, "utf8").replaceAll(/!Ref (\w+)\.Alias/g, "!GetAtt $1.Arn"));
  new CfnInclude(stack, "Included", { templateFile });
});
Aspects.of(app).add(new AwsSolutionsChecks({ reports: true, reportFormats: [NagReportFormat.JSON] }));
const { directory } = app.synth({ skipValidation: true, validateOnSynthesis: false });
let open = 0;
for (const file of readdirSync(directory).filter((name) => name.startsWith("AwsSolutions-"))) {
  for (const line of JSON.parse(readFileSync(`${directory}/${file}`)).lines) {
    if (line.compliance === "Compliant") continue;
    const suppressed = line.compliance === "Suppressed";
    console.log(`${line.resourceId}: ${line.ruleId} ${suppressed ? `(${line.exceptionReason})` : line.ruleInfo}`);
    open += suppressed ? 0 : 1;
  }
}
console.log(`${open} findings without a reason`);
process.exit(open ? 1 : 0);
