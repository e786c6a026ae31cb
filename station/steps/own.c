/*
 * own. Needs: ek, read by attest.
 * Gives: nothing to other steps; EK and SRK are persistent in the TPM.
 */
#include "station/steps/steps.h"

int own_tpm(struct job *job, struct err *err)
{
	/*
	 * Microsoft's SDKs make an EK of another template than the TCG's when 0x81010001 is
	 * empty (azure-iot-sdk-c #2534). So the one we enroll must sit there.
	 */
	if (job_open_tpm(job, err) < 0 || fixture_tpm_own(job->tpm, err) < 0)
		return err_wrap(err, "making the endorsement key persistent");
	return 0;
}
